#include "base/log.h"

#include <unistd.h>

#include "base/format.h"

void ia2_say_as(const char *prefix, const char *format, va_list arguments)
{
    char line[IA2_LINE];
    const size_t most = sizeof(line) - 2;
    size_t n = ia2_format(line, most, "%s: ", prefix);
    if (n < most)
        n += ia2_format_list(line + n, most + 1 - n, format, arguments);
    if (n > most)
        n = most;
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0) {
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
