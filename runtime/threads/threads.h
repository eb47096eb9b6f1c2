/* Threads: created by any compartment, each with the stacks of all. */
#ifndef IA2_THREADS_H
#define IA2_THREADS_H

#include <pthread.h>
#include <stddef.h>

/* pthread_create for compartment \a owner, with its rights. Arguments and result as
 * pthread_create's, except that a stack set by pthread_attr_setstack gives its size only: the
 * memory would not have the right keys. */
int ia2_thread_create(int owner, pthread_t *thread, const pthread_attr_t *attr,
                      void *(*start)(void *), void *arg);

/* The start routine that libc gets. \a slot: the number of the thread's record. */
void *ia2_thread_first_frame(void *slot);

/* Start-up, on the only thread. Aborts on failure. */
void ia2_threads_start(void);

/* In a forked child, on its only thread: forgets the threads of the parent. libc gives their stacks
 * and storage to new threads and must be able to write them. */
void ia2_threads_forked(void);

#endif
