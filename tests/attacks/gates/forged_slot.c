/* class: gates
 * source: ia2_slot is in thread-local storage that everybody writes
 * tries: to call the victim with the slot of another thread, of no thread, and one beyond the table
 * must: end the process, or use this thread's own record all the same
 * expect: stopped */
#include "attack.h"

static volatile uint32_t other;

static void *sleeper(void *unused)
{
    other = *slot();
    usleep(3000000);
    return unused;
}

static void with_slot(uint32_t number)
{
    *slot() = number;
    victim_call(ADD, 1, 2);
    effect("the victim ran on the stack of another thread");
    SYS(SYS_exit_group, 0);
}

ATTACK
{
    thread(sleeper, NULL);
    while (!other)
        sched_yield();
    uint32_t own_slot = *slot();
    uint32_t tried[] = {0, IA2_SLOT_COUNT - 1, other, own_slot + 0x200000};
    for (int i = 0; i < 3; i++) {
        int child = SYS(SYS_fork), status;
        if (!child)
            with_slot(tried[i]);
        SYS(SYS_wait4, child, &status, 0);
        *slot() = own_slot;
    }
    with_slot(tried[2]);
}
