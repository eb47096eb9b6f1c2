#define _GNU_SOURCE
#include "base/lock.h"
#include "state/writers.h"

#include <sched.h>
#include <time.h>

#define PATIENCE 10 /* seconds */

static struct ia2_lock fork_lock = IA2_LOCK(IA2_RANK_FORK);
static _Atomic int forking, writers;
static __thread int forks, writing; /* what of them is this thread's */

/* Yields. 0 if \a since, in seconds and 0 at first, is too long ago. */
static int may_wait(time_t *since)
{
    struct timespec now;
    sched_yield();
    clock_gettime(CLOCK_MONOTONIC, &now);
    *since = *since ? *since : now.tv_sec;
    return now.tv_sec - *since < PATIENCE;
}

void ia2_writing_begin(void)
{
    writing++;
    writers++;
    for (time_t since = 0; forking && !forks;) {
        writers--;
        int waits = may_wait(&since);
        writers++;
        if (!waits)
            return;
    }
}

void ia2_writing_end(void)
{
    writers--;
    writing--;
}

void ia2_writing_stop(void)
{
    writers -= writing;
    ia2_lock(&fork_lock);
    forking = forks = 1;
    for (time_t since = 0; writers > 0 && may_wait(&since);)
        ;
}

void ia2_writing_go_on(void)
{
    writers += writing;
    forking = forks = 0;
    ia2_unlock(&fork_lock);
}

void ia2_writing_go_on_in_child(void)
{
    writers = writing;
    forking = forks = 0;
    ia2_lock_renew(&fork_lock);
}
