/* libc functions that return malloc'ed memory: the result belongs to the caller's heap, not to
 * libc's. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HIDDEN __attribute__((visibility("hidden")))

HIDDEN char *__wrap_strndup(const char *s, size_t n)
{
    size_t length = strnlen(s, n);
    char *copy = malloc(length + 1);
    if (!copy)
        return NULL;
    memcpy(copy, s, length);
    copy[length] = 0;
    return copy;
}

HIDDEN char *__wrap_strdup(const char *s)
{
    return __wrap_strndup(s, strlen(s));
}

HIDDEN int __wrap_vasprintf(char **result, const char *format, va_list ap)
{
    va_list measured;
    va_copy(measured, ap);
    int length = vsnprintf(NULL, 0, format, measured);
    va_end(measured);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (!text)
        return -1;
    *result = text;
    return vsnprintf(text, (size_t)length + 1, format, ap);
}

/* With _FORTIFY_SOURCE; \a flag forbids %n in writable formats, which vsnprintf's own check would
 * see as well. */
int __vsnprintf_chk(char *, size_t, int, size_t, const char *, va_list);

HIDDEN int __wrap___vasprintf_chk(char **result, int flag, const char *format, va_list ap)
{
    va_list measured;
    va_copy(measured, ap);
    int length = __vsnprintf_chk(NULL, 0, flag, 0, format, measured);
    va_end(measured);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (!text)
        return -1;
    *result = text;
    return __vsnprintf_chk(text, (size_t)length + 1, flag, (size_t)length + 1, format, ap);
}

HIDDEN int __wrap___asprintf_chk(char **result, int flag, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int length = __wrap___vasprintf_chk(result, flag, format, ap);
    va_end(ap);
    return length;
}

HIDDEN int __wrap_asprintf(char **result, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int length = __wrap_vasprintf(result, format, ap);
    va_end(ap);
    return length;
}

ssize_t __real_getdelim(char **, size_t *, int, FILE *);

/* libc would realloc *line itself, with its own heap. */
HIDDEN ssize_t __wrap_getdelim(char **line, size_t *size, int delimiter, FILE *stream)
{
    char *read = NULL;
    size_t read_size = 0;
    ssize_t length = __real_getdelim(&read, &read_size, delimiter, stream);
    if (length >= 0 && (!*line || *size < (size_t)length + 1)) {
        char *larger = realloc(*line, (size_t)length + 1);
        if (!larger)
            length = -1;
        else
            *line = larger, *size = (size_t)length + 1;
    }
    if (length >= 0)
        memcpy(*line, read, (size_t)length + 1);
    free(read);
    return length;
}

/* What stdio.h makes of getline when it is optimized (bits/stdio.h). */
HIDDEN ssize_t __wrap___getdelim(char **line, size_t *size, int delimiter, FILE *stream)
{
    return __wrap_getdelim(line, size, delimiter, stream);
}

HIDDEN ssize_t __wrap_getline(char **line, size_t *size, FILE *stream)
{
    return __wrap_getdelim(line, size, '\n', stream);
}
