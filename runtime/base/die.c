#include "base/die.h"

#include <stdarg.h>

#include "base/end_process.h"
#include "base/log.h"

#if IA2_PERMISSIVE
static void (*last_words)(void);

void ia2_die_calls(void (*function)(void))
{
    last_words = function;
}
#endif

void ia2_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ia2_say_as("ia2", format, arguments);
    va_end(arguments);
#if IA2_PERMISSIVE
    if (last_words)
        last_words();
#endif
    ia2_end_process();
}
