/* Blocks of this compartment's allocator that others may free: those another compartment allocated
 * here because the policy says so, and shared ones. Which they are is kept in this compartment's
 * memory, so nobody can give back what he did not get. Thread-safe. */
#ifndef IA2_LENT_BLOCKS_H
#define IA2_LENT_BLOCKS_H

#include <stddef.h>

#define IA2_LENT_TO_ALL 0

#pragma GCC visibility push(hidden)

/* Notes that \a p belongs to \a client (a key, or IA2_LENT_TO_ALL). 0, or -1 without memory. */
int ia2_lend(void *p, int client);
/* 1, and the note is gone, if it was \a client's; else 0. */
int ia2_take_back(void *p, int client);
/* This compartment frees \a p itself: whoever had it must not be able to free it again. Cheap when
 * nothing is lent to a single client. */
void ia2_forget_lent(void *p);
/* 1 if it is \a client's. */
int ia2_is_lent(void *p, int client);

#pragma GCC visibility pop

#endif
