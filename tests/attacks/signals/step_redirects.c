/* class: signals
 * source: TF (Intel SDM): a trap after each instruction
 * tries: to set TF before a call of the victim and to go on in the payload with its PKRU
 * must: clear TF when a compartment is entered
 * expect: stopped */
#include "attack.h"

ATTACK
{
    on_signal(SIGTRAP, redirect);
    set_flags(TRAP_FLAG);
    victim_call(SPIN, 3, 0);
    clear_flags(TRAP_FLAG);
}
