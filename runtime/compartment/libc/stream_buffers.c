/* Buffers that a program gives a stream. libc writes to them for whoever uses the stream, so a
 * compartment's own memory cannot be one. What is in a stream's buffer is nobody's business but
 * libc's (C11 7.21.5.6: the contents are indeterminate), so libc gets one of its own of the same
 * size. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "compartment/compartment.h"

#define HIDDEN __attribute__((visibility("hidden")))
#define OF_USER \
    1 /* in FILE._flags, since ever: closing the stream does not free the buffer (glibc, \
         libio/libio.h: _IO_USER_BUF) */

int __real_setvbuf(FILE *, char *, int, size_t);
void *__real_malloc(size_t);
void __real_free(void *);

HIDDEN int __wrap_setvbuf(FILE *stream, char *buffer, int mode, size_t size)
{
    char *shared = buffer && size && mode != _IONBF ? __real_malloc(size) : NULL;
    int r = __real_setvbuf(stream, shared, mode, shared ? size : 0);
    if (shared && stream->_IO_buf_base == shared)
        stream->_flags &= ~OF_USER;
    else
        __real_free(shared);
    return r;
}

HIDDEN void __wrap_setbuffer(FILE *stream, char *buffer, size_t size)
{
    __wrap_setvbuf(stream, buffer, buffer ? _IOFBF : _IONBF, size);
}

HIDDEN void __wrap_setbuf(FILE *stream, char *buffer)
{
    __wrap_setbuffer(stream, buffer, BUFSIZ);
}
