/* class: state
 * source: the monitor reads what its callers point at, with the rights of all
 * tries: to have it take an action for a signal from the victim's memory, and write the old one there
 * must: use only memory that is the caller's
 * expect: stopped */
#include "attack.h"
#include "state/monitor.h"

static void quiet(int number)
{
    (void)number;
}

ATTACK
{
    block_signals();
    signal(SIGUSR2, quiet);
    for (long at = (long)victim_object - 320; at <= (long)victim_object; at += 8)
        descriptor_of(own_key)->monitor(IA2_DO_SIGNAL_SET, at, 0, 0, 0, victim_key);
}
