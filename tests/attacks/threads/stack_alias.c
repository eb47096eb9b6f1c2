/* class: threads
 * source: PKU Pitfalls, section 4.2: two mappings of one memory have two keys
 * tries: to create a thread on memory of a memfd that is mapped twice, so that the stacks which the
 *   victim gets there can be read and written through the other mapping
 * must: not run a compartment on memory that the runtime did not map
 * expect: stopped */
#include "attack.h"

#define SIZE (4l << 20)
static char *alias;
static volatile int in_victim;

static void *call_victim(void *unused)
{
    victim_call(STACK_SECRET_AT, 0, 0);
    in_victim = 1;
    return unused;
}

ATTACK
{
    pthread_t made;
    pthread_attr_t with_stack;
    int file = SYS(SYS_memfd_create, "stack", 0);
    SYS(SYS_ftruncate, file, SIZE);
    char *stack = (char *)SYS(SYS_mmap, 0, SIZE, 3, MAP_SHARED, file, 0);
    alias = (char *)SYS(SYS_mmap, 0, SIZE, 3, MAP_SHARED, file, 0);
    pthread_attr_init(&with_stack);
    pthread_attr_setstack(&with_stack, stack, SIZE);
    if (pthread_create(&made, &with_stack, call_victim, NULL))
        return;
    pthread_join(made, NULL);
    for (long at = 0; at + 16 < SIZE; at += 8)
        if (!memcmp(alias + at, "SEKRIT-", 7) && alias[at + 10] == '-')
            leak(alias + at);
}
