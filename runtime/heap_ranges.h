/* Address space that belongs to heaps: who owns it, in 2 MiB granules. */
#ifndef IA2_HEAP_RANGES_H
#define IA2_HEAP_RANGES_H

#include <stddef.h>

#include "state.h"

/* Memory for the heap of \a owner (a key, or IA2_OWNER_SHARED): \a size bytes at a multiple of \a align, readable and
 * writable, under the owner's key once there are keys. NULL (errno) if there is none. Thread-safe. The caller must
 * have the owner's rights or those of nobody. */
void *ia2_heap_range_map(size_t size, size_t align, int owner);

/* The same, then given back. Ranges that do not fill granules stay reserved. */
int ia2_heap_range_unmap(void *start, size_t size);

/* IA2_OWNER_NONE for any address that is no heap's, valid or not. Async-signal-safe, no lock. */
static inline int ia2_heap_owner(const void *address)
{
    uintptr_t granule = (uintptr_t)address >> IA2_GRANULE_SHIFT;
    return granule < IA2_GRANULES ? ia2_state.owner[granule] : IA2_OWNER_NONE;
}

/* The shared heap's part of a thread's end; 1 if there was something to do. Rights of nobody. */
int ia2_shared_heap_thread_end(void);

/* Start-up: ranges mapped by constructors, before there were keys. */
void ia2_heap_ranges_set_keys(void);

#endif
