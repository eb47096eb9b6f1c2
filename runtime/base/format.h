/* Text of the runtime's own making. libc's printf reads tables and a locale that every compartment
 * can write, and would run what they name with the rights of who prints. */
#ifndef IA2_FORMAT_H
#define IA2_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* As snprintf and vsnprintf: at most \a size bytes with the NUL, and the length that the whole text
 * has. A format has %s, %c, %p and %%, and the integer conversions d, u and x with the lengths l
 * and z. Flags (- + 0 # and space) and a width are as printf's. There is no precision. Any other
 * conversion is an error of the caller's: it and what follows it are copied as they are.
 *
 * Async-signal-safe and thread-safe, with any rights. Uses no memory but the arguments. */
size_t ia2_format(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t ia2_format_list(char *text, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
