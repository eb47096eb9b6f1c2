/* err, error and their like print a message and end the process. Inside libc, exit would run its
 * list of functions with this compartment's rights, and libc's list is in memory that everybody
 * writes. libc prints the message here, and the process ends as by this compartment's own exit. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "compartment/compartment.h"

#define HIDDEN __attribute__((visibility("hidden")))

/* exit is this compartment's (exit_calls.c). */
#define WRAP_ERR(name, warn) \
    HIDDEN __attribute__((noreturn, format(printf, 2, 0))) void __wrap_v##name( \
        int status, const char *format, va_list arguments) \
    { \
        warn(format, arguments); \
        exit(status); \
    } \
    HIDDEN __attribute__((noreturn, format(printf, 2, 3))) void __wrap_##name( \
        int status, const char *format, ...) \
    { \
        va_list arguments; \
        va_start(arguments, format); \
        __wrap_v##name(status, format, arguments); \
    }
WRAP_ERR(err, vwarn)
WRAP_ERR(errx, vwarnx)

void __real_error(int status, int number, const char *format, ...);
void __real_error_at_line(int status, int number, const char *file, unsigned line,
                          const char *format, ...);

/* libc has no variant of these with a va_list. \a text gets the message, in this compartment's
 * heap; without memory it is the format. */
static const char *message(char **text, const char *format, va_list arguments)
{
    int saved = errno;
    if (vasprintf(text, format, arguments) < 0)
        *text = NULL;
    errno = saved;
    return *text ? *text : format;
}

HIDDEN __attribute__((format(printf, 3, 4))) void __wrap_error(int status, int number,
                                                               const char *format, ...)
{
    va_list arguments;
    char *text;
    va_start(arguments, format);
    __real_error(0, number, "%s", message(&text, format, arguments));
    va_end(arguments);
    free(text);
    if (status)
        exit(status);
}

HIDDEN __attribute__((format(printf, 5, 6))) void __wrap_error_at_line(int status, int number,
                                                                       const char *file,
                                                                       unsigned line,
                                                                       const char *format, ...)
{
    va_list arguments;
    char *text;
    va_start(arguments, format);
    __real_error_at_line(0, number, file, line, "%s", message(&text, format, arguments));
    va_end(arguments);
    free(text);
    if (status)
        exit(status);
}
