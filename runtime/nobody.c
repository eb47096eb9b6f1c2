/* What compartments have done by nobody: with the rights of key 0 alone, on the thread's first stack. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>

#include "init.h"

void ia2_nobody_exit(int status)
{
    exit(status);
}

void ia2_nobody_quick_exit(int status)
{
    quick_exit(status);
}

/* libc unwinds to the thread's start: the gate ends the walk there, since it has no unwind information. */
void ia2_nobody_thread_exit(void *value)
{
    pthread_exit(value);
}
