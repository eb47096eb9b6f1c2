/* class: gates
 * source: jump into the middle of a gate
 * tries: to enter the victim by a descriptor in shared memory whose function is the payload
 * must: end the process: the descriptor is not one of the victim's table
 * expect: stopped */
#include "attack.h"

ATTACK
{
    struct ia2_gate_descriptor *made = (struct ia2_gate_descriptor *)shared_at(0x1000);
    made->enter = (void (*)(void))(word)payload;
    made->callers = 0xffff;
    struct registers forged = {.rax = pkru_of(victim_key),
                               .r10 = (word)made,
                               .r15 = *slot() << IA2_RECORD_SHIFT};
    jump_with(&forged, wrpkru_between(own_key, victim_key, 0));
}
