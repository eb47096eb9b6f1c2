/* What the runtime says: one line on stderr at a time, by write(2).
 *
 * All functions are async-signal-safe and thread-safe, with any rights. base/format.h says what a
 * format may have. What is longer than a line of IA2_LINE bytes is cut. */
#ifndef IA2_LOG_H
#define IA2_LOG_H

#include <stdarg.h>

#define IA2_LINE 1024

/* "ia2: ..." */
void ia2_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "PREFIX: ..." */
void ia2_say_as(const char *prefix, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
