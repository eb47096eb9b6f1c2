/* A compartment that a signal has interrupted. The handler may call it, so it is made to wait: its
 * next frames go to its signal zone (state/zone.h). In the monitor, on the thread of the record. */
#ifndef IA2_INTERRUPTED_H
#define IA2_INTERRUPTED_H

#include <stdint.h>

struct ia2_thread_record;

/* Suspends the compartment if it runs: 1. In the middle of a gate it has itself said where its next
 * frame goes, and there is nothing to do: 0. Aborts if signals interrupt it too deeply. */
int ia2_suspend(const struct ia2_thread_record *record, int key);

/* Takes ia2_suspend back. */
void ia2_resume(const struct ia2_thread_record *record, int key);

/* The same for key 0, whose word is kept by who calls. \a sp: the interrupted stack pointer. */
void ia2_suspend_key0(const struct ia2_thread_record *record, uint64_t sp);

#endif
