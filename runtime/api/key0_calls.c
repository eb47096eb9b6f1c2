/* What compartments have done with the rights of key 0 alone, on the thread's first
 * stack. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>

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
