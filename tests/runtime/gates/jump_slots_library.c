/* A library that is linked without full RELRO: its jump slots can be written, and are bound when a
 * function is first called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int jump_slots_other(int n); /* of another library */
int jump_slots_late(int n); /* of a library that comes with dlopen, or never */
int jump_slots_weak(int n) __attribute__((weak));

/* libc's, unless another library has one of this name. */
int LIBRARY_which(void);

static const char *volatile text = "eleven here";

int LIBRARY_use(int n);
int LIBRARY_use(int n)
{
    char line[32];
    snprintf(line, sizeof(line), "%d", n);
    return (int)(strlen(text) + strlen(line)) + jump_slots_other(n) +
           (jump_slots_weak ? jump_slots_weak(n) : 0);
}

int LIBRARY_use_late(int n);
int LIBRARY_use_late(int n)
{
    return jump_slots_late(n);
}

int LIBRARY_which(void)
{
    char old[2] = "a", *volatile to = old;
    return *strcpy(to, "b") == 'b' ? mblen(to, 1) : -1;
}
