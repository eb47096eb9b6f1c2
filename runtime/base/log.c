#include "base/log.h"

#include <stdio.h>
#include <unistd.h>

void ia2_say_as(const char *prefix, const char *format, va_list arguments)
{
    char line[IA2_LINE];
    int n = snprintf(line, sizeof(line), "%s: ", prefix);
    n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, arguments);
    if (n > (int)sizeof(line) - 2)
        n = sizeof(line) - 2;
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)n) < 0) {
        /* Nowhere to say it. */
    }
}

void ia2_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ia2_say_as("ia2", format, arguments);
    va_end(arguments);
}
