/* How a thread of this compartment ends, apart from returning. */
#ifndef IA2_COMPARTMENT_THREAD_EXIT_H
#define IA2_COMPARTMENT_THREAD_EXIT_H

#include <stdint.h>

#pragma GCC visibility push(hidden)

/* Aborts if the thread ends while cleanup handlers of this compartment are still to be run. */
void ia2_thread_exit_check(void);

/* A jump skips the frames in this range: forgets the cleanup handlers that lie there. */
void ia2_thread_cleanup_cut(uintptr_t low, uintptr_t high);

#pragma GCC visibility pop

#endif
