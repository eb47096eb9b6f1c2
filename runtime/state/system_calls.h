/* Every system call that changes the rights of memory, in one place. All are async-signal-safe and
 * thread-safe, and return 0 or a negative errno. On a CPU without protection keys the key is left
 * out. */
#ifndef IA2_SYSTEM_CALLS_H
#define IA2_SYSTEM_CALLS_H

#include <stddef.h>

/* Allocates all keys: those that no compartment has are then nobody else's either.
 * -ENOSYS/-EINVAL/-ENOSPC: no keys here, or some are taken. */
int ia2_sys_alloc_keys(void);
/* Puts [start, start+size) under \a key with \a prot. Both page-aligned. */
int ia2_sys_protect(void *start, size_t size, int prot, int key);
/* Makes anonymous memory zeros, also what the caller may not write. Page-aligned. */
int ia2_sys_empty(void *start, size_t size);
/* Anonymous memory of \a size bytes at a multiple of \a align (a power of two >= page), not
 * readable yet. NULL if there is none. */
void *ia2_sys_reserve(size_t size, size_t align);

#endif
