/* Threads: created by any compartment, each with the stacks of all. */
#ifndef IA2_THREADS_H
#define IA2_THREADS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* pthread_create for the calling compartment, with its rights. Arguments and result as
 * pthread_create's, except that a stack set by pthread_attr_setstack gives its size only: the
 * memory would not have the right keys. */
int ia2_thread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                      void *arg);

/* The thread was joined or detached: its stacks may be another's once it is gone. */
void ia2_thread_release(pthread_t thread);

/* pthread_create with the rights of key 0, for the slot that the monitor has prepared. The thread,
 * or an errno (no thread's address is that small). */
uintptr_t ia2_key0_thread_create(uint32_t slot);

/* The start routine that libc gets. \a slot: the number of the thread's record. */
void *ia2_thread_first_frame(void *slot);

/* Start-up, on the only thread. Aborts on failure. */
void ia2_threads_start(void);

/* In a forked child, on its only thread: forgets the threads of the parent. */
void ia2_threads_only_one(void);

/* The monitor's operations on threads (state/monitor.h).
 *
 * prepare: makes a record for a new thread of the caller. The argument is a struct ia2_thread_wish
 * of the caller's. The slot, or a negative errno.
 * abandon: the thread of this slot was not made after all.
 * live, quiet: the calling thread, which begins or ends.
 * released: a pthread_t that was joined or detached.
 * forked: for ia2_threads_only_one. */
long ia2_thread_prepare(long wish, long, long, long, int caller);
long ia2_thread_abandon(long slot, long, long, long, int caller);
long ia2_thread_live(long, long, long, long, int caller);
long ia2_thread_quiet(long, long, long, long, int caller);
long ia2_thread_released(long thread, long, long, long, int caller);
long ia2_threads_forked(long, long, long, long, int caller);

#endif
