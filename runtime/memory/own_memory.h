/* Memory that a compartment maps for itself. */
#ifndef IA2_OWN_MEMORY_H
#define IA2_OWN_MEMORY_H

#include <stddef.h>
#include <sys/types.h>

/* mmap(2): the new memory has the caller's key from the start. The address, or MAP_FAILED with
 * errno: EACCES if other memory is where MAP_FIXED wants it, or if it is to be code and system
 * calls are contained. From any thread; async-signal-safe. */
void *ia2_memory_map(void *hint, size_t size, int prot, int flags, int fd, off_t offset);

/* The monitor's operation: the same for \a wish, of which the caller has a copy. */
long ia2_memory_mapped(long wish, long, long, long, int caller);

#endif
