/* The stacks of a thread: one zone per compartment under its key, one shared stack, one signal
 * stack. */
#ifndef IA2_STACKS_H
#define IA2_STACKS_H

#include <stddef.h>

#include "state/state.h"

/* The part of the thread's own stack that stays under key 0. libc's part of the thread's life runs
 * there, and what has the rights of key 0 (exit, loading). */
#define IA2_FIRST_STACK (128 * 1024ul)
#define IA2_SIGNAL_STACK \
    (128 * 1024ul) /* nested signals, and what they have done with key 0, take parts of it */
#define IA2_SHARED_STACK (1024 * 1024ul)

/* Bytes below the first stack for zones of \a zone bytes each. */
size_t ia2_stacks_size(size_t zone);

/* Lays the stacks out downward from \a high (page-aligned, anonymous memory of
 * ia2_stacks_size(zone)), sets their keys, and fills in the addresses in \a record. \a
 * inaccessible: the memory is PROT_NONE; otherwise it is a thread's stack as libc made it, or as an
 * earlier call left it for the next thread. 0 or a negative errno. Also installs the signal stack,
 * so it must run on the thread itself. */
int ia2_stacks_lay(char *high, size_t zone, int inaccessible, struct ia2_thread_record *record);

/* Fills the zone of compartment \a key with zeros: for a thread that does not exist any more. */
void ia2_stack_empty(const struct ia2_thread_record *record, uint32_t key);

/* The "top" of key 0's zone on the calling thread. That zone has no stack, only the word that says
 * where key 0 is suspended. */
uint64_t ia2_key0_top(void);

#endif
