/* Blocks under key 0, for shared_malloc and for allocations that the policy places there. */
#ifndef IA2_COMPARTMENT_SHARED_MEMORY_H
#define IA2_COMPARTMENT_SHARED_MEMORY_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/* A shared block at a multiple of \a align (0: any). NULL and ENOMEM without memory. Thread-safe,
 * not async-signal-safe. */
void *ia2_shared_allocate(size_t size, size_t align, int zero);

/* The usable size of the shared block \a p. Aborts if \a p is none. */
size_t ia2_shared_size(void *p);

#pragma GCC visibility pop

#endif
