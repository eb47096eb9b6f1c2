/* Memory that a compartment has mapped for itself. */
#ifndef IA2_OWN_MEMORY_H
#define IA2_OWN_MEMORY_H

#include <stddef.h>

/* Puts [\a start, \a start + \a size), which the calling compartment has just mapped, under its key
 * with \a prot. Page-aligned. 0 or a negative errno: -EACCES if any of it is another's.
 * Async-signal-safe. */
int ia2_memory_take(void *start, size_t size, int prot);

/* The monitor's operation for it. */
long ia2_memory_taken(long start, long size, long prot, long, int caller);

#endif
