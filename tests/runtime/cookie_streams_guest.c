/* A library that no compartment names, with a stream of its own. */
#include <stdio.h>
#include <unistd.h>

static ssize_t show(void *cookie, const char *from, size_t size)
{
    return cookie ? write(1, from, size) : -1;
}

int guest_say(const char *text);
int guest_say(const char *text)
{
    static char cookie[1];
    FILE *own = fopencookie(cookie, "w", (cookie_io_functions_t){.write = show});
    return !own || fputs(text, own) < 0 || fclose(own);
}
