/* The thread-local storage of compartments: a block of each thread for each compartment, under the
 * compartment's key. The block is part of memory that libc keeps for threads, under key 0. */
#ifndef IA2_THREAD_STORAGE_H
#define IA2_THREAD_STORAGE_H

#include <stddef.h>
#include <stdint.h>

struct ia2_module;

/* Held by the thread that begins or ends while its storage gets or loses its keys, and by the
 * thread that loads or unloads a plugin. Neither may see half of what the other does. */
void ia2_thread_storage_lock(void);
void ia2_thread_storage_unlock(void);

/* Puts the blocks of the thread with this FS base under their compartments' keys, or (\a open) back
 * under key 0, emptied. The compartments in the mask \a emptied have emptied theirs. 0 or a
 * negative errno. */
int ia2_tls_set_keys(char *fsbase, int open, uint32_t emptied);

/* Has the compartments with at most \a limit bytes of storage give the thread's block its initial
 * values. Returns the mask of these compartments. */
uint32_t ia2_thread_storage_fill(uint32_t slot, size_t limit);

/* A plugin comes (\a key) or is gone (0): puts its blocks of all threads under the key, with their
 * initial values, or empties them. Aborts on failure. */
void ia2_thread_storage_set_key(const struct ia2_module *module, int key);

#endif
