/* This compartment's own heap, whatever IA2_ALLOCATE_IN says. */
#ifndef IA2_COMPARTMENT_OWN_HEAP_H
#define IA2_COMPARTMENT_OWN_HEAP_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/* As calloc and free. Thread-safe, not async-signal-safe. */
void *ia2_own_calloc(size_t count, size_t size);
void ia2_own_free(void *p);

#pragma GCC visibility pop

#endif
