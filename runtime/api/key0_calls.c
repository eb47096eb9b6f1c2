/* What compartments have done with the rights of key 0 alone, on the thread's first
 * stack. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "threads/threads.h"

void ia2_key0_exit(int status)
{
    exit(status);
}

void ia2_key0_quick_exit(int status)
{
    quick_exit(status);
}

/* libc unwinds to the thread's start: the gate ends the walk there, since it has no unwind
 * information. */
void ia2_key0_thread_exit(void *value)
{
    pthread_exit(value);
}

/* pthread_create; the thread, or an errno (no thread's address is that small). */
pthread_t ia2_key0_thread_create(const pthread_attr_t *attr, uint32_t slot)
{
    pthread_t thread;
    int r = pthread_create(&thread, attr, ia2_thread_first_frame, (void *)(uintptr_t)slot);
    return r ? (pthread_t)r : thread;
}
