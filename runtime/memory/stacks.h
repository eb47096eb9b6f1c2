/* The stacks of a thread: one zone per compartment under its key, one shared stack, one signal
 * stack. The monitor maps them, and nobody else puts a key on them. */
#ifndef IA2_STACKS_H
#define IA2_STACKS_H

#include <stddef.h>

#include "state/state.h"

/* The part of the thread's own stack that stays under key 0. libc's part of the thread's life runs
 * there, and what has the rights of key 0 (exit, loading). */
#define IA2_FIRST_STACK (128 * 1024ul)
#define IA2_SIGNAL_STACK (IA2_KEY0_SIGNAL_STACK + IA2_SIGNAL_FRAMES)
#define IA2_SHARED_STACK (1024 * 1024ul)

/* Maps a region with zones of \a zone bytes, a shared stack, a signal stack and, above them,
 * \a first bytes for libc; sets the keys, and fills in the addresses in \a record. \a zone and
 * \a first are multiples of the page size. 0 or a negative errno. In the monitor, or at start-up.
 */
int ia2_stacks_map(size_t zone, size_t first, struct ia2_thread_record *record);

/* Gives a region back. */
void ia2_stacks_unmap(struct ia2_thread_record *record);

/* On the thread itself: installs its signal stack; its shared stack is empty, and key 0 runs. Fills
 * in the place of key 0 in \a record. 0 or a negative errno. */
int ia2_stacks_install(struct ia2_thread_record *record);

/* Fills the zones with zeros, also the words that gates trust. For a thread that is at its end. */
void ia2_stacks_empty(const struct ia2_thread_record *record);

/* The "top" of key 0's zone on the calling thread. That zone has no stack, only the word that says
 * where key 0 is suspended. */
uint64_t ia2_key0_top(void);

#endif
