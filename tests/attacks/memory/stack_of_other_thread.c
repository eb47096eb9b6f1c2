/* class: memory
 * source: the threat model's first claim: stacks of all threads
 * tries: to read and write the victim's stack in another thread
 * must: fault
 * expect: stopped */
#include "attack.h"

static volatile word other;

static void *sleeper(void *unused)
{
    other = victim_call(STACK_SECRET_AT, 0, 0);
    victim_call(WAIT, 2000000, 0);
    return unused;
}

ATTACK
{
    thread(sleeper, NULL);
    while (!other)
        sched_yield();
    leak((char *)other);
    *(volatile word *)other = 0;
}
