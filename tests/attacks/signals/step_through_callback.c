/* class: signals
 * source: TF set by a callee: it is the caller that is stepped after the return
 * tries: to set TF in a callback, so that the victim is stepped from its return on
 * must: clear TF when a compartment is returned to
 * expect: stopped */
#include "attack.h"

static long set_trap(long value)
{
    set_flags(TRAP_FLAG);
    return value;
}

ATTACK
{
    on_signal(SIGTRAP, redirect);
    hook = set_trap;
    victim_back(own_callback(), 1);
    clear_flags(TRAP_FLAG);
}
