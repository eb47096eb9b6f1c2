/* The heap that all compartments share: shared_malloc and family, which ia2.h declares, and
 * shared_strdup. */
#ifndef IA2_ALLOCATOR_H
#define IA2_ALLOCATOR_H

#include <stddef.h>

#include "ia2.h"

/* A copy of \a text, to be freed by shared_free; NULL and ENOMEM when there is no memory.
 * Thread-safe, not async-signal-safe. */
static __inline__ __attribute__((unused)) char *shared_strdup(const char *text)
{
    const size_t size = __builtin_strlen(text) + 1;
    char *const copy = (char *)shared_malloc(size);
    return copy ? (char *)__builtin_memcpy(copy, text, size) : copy;
}

#endif
