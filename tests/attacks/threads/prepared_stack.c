/* class: threads
 * source: the threat model's "prepare another compartment's memory"
 * tries: to fill a thread's stack with the address of a frame of its own, for the words that say where
 *   the victim is suspended
 * must: zero the memory before it gets the victim's key
 * expect: stopped */
#include "attack.h"

#define SIZE (4l << 20)

static void *call_victim(void *unused)
{
    if (victim_call(ADD, 1, 2) != 3)
        effect("the victim ran on a frame of the attacker's");
    return unused;
}

ATTACK
{
    pthread_t made;
    pthread_attr_t with_stack;
    char *stack = pages(SIZE, PROT_READ | PROT_WRITE);
    for (long at = 0; at < SIZE; at += 8)
        *(word *)(stack + at) = (word)stack + 4096;
    pthread_attr_init(&with_stack);
    pthread_attr_setstack(&with_stack, stack, SIZE);
    if (!pthread_create(&made, &with_stack, call_victim, NULL))
        pthread_join(made, NULL);
}
