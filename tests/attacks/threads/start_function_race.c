/* class: threads
 * source: what the runtime decides on lies on a stack under key 0
 * tries: to have a second thread change, on the creating thread's shared stack, each word that is the
 *   start function into the payload, and the compartment that creates into the victim
 * must: decide on nothing that others write
 * expect: stopped */
#include "attack.h"

static volatile char *high;
static volatile int running;

static void *start(void *unused)
{
    return unused;
}

static void *change(void *unused)
{
    for (running = 1;;)
        for (volatile word *at = (volatile word *)(high - 8192); (char *)at < high; at++)
            if (*at == (word)start)
                *at = (word)payload;
    return unused;
}

ATTACK
{
    pthread_t made;
    high = (char *)own_record()->shared_high;
    thread(change, NULL);
    while (!running)
        sched_yield();
    for (int i = 0; i < 25; i++)
        if (!pthread_create(&made, NULL, start, NULL))
            pthread_join(made, NULL);
}
