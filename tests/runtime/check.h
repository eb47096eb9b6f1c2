/* For the test programs of this folder: a condition that must hold. Says which does not, and ends the process. */
#ifndef CHECK_H
#define CHECK_H
#include <stdio.h>
#include <unistd.h>

static inline __attribute__((noreturn)) void check_failed(const char *file, int line, const char *what);
#define CHECK(x) ((x) ? (void)0 : check_failed(__FILE__, __LINE__, #x))
static inline __attribute__((noreturn)) void check_failed(const char *file, int line, const char *what)
{
    printf("%s:%d: %s\n", file, line, what);
    fflush(stdout);
    _exit(1);
}
#endif
