/* Address space that belongs to heaps: who owns it, in 2 MiB granules. */
#ifndef IA2_HEAP_RANGES_H
#define IA2_HEAP_RANGES_H

#include <stddef.h>

#include "state/state.h"

/* Memory for the heap of \a owner (a key; with IA2_OWNER_SHARED, for its shared blocks): \a size
 * bytes at a multiple of \a align, readable and writable, under the owner's key, or key 0 if
 * shared, once there are keys. NULL (errno) if there is none. Thread-safe. */
void *ia2_heap_range_map(size_t size, size_t align, int owner);

/* The same, then given back. Ranges that do not fill granules stay reserved. */
int ia2_heap_range_unmap(void *start, size_t size);

/* IA2_OWNER_NONE for any address that is no heap's, valid or not. Async-signal-safe, no lock. */
static inline int ia2_heap_owner(const void *address)
{
    uintptr_t granule = (uintptr_t)address >> IA2_GRANULE_SHIFT;
    return granule < IA2_GRANULES ? ia2_state.owner[granule] : IA2_OWNER_NONE;
}

/* The monitor's operations for the two above. The result: the address, or 0; 0 or a negative
 * errno. */
long ia2_heap_range_mapped(long size, long align, long owner, long, int caller);
long ia2_heap_range_unmapped(long start, long size, long, long, int caller);

/* A plugin is unloaded, and with it what knows its blocks: they stay where they are, for others may
 * have pointers into them. */
void ia2_heap_ranges_let_go(int owner);

/* Start-up: ranges mapped by constructors, before there were keys. */
void ia2_heap_ranges_set_keys(void);

#endif
