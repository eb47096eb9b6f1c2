/* class: gates
 * source: jump into the middle of a gate
 * tries: to enter the victim by a descriptor eight bytes off, so that other fields are its function
 * must: end the process
 * expect: stopped */
#include "attack.h"

ATTACK
{
    struct registers forged = {.rax = pkru_of(victim_key),
                               .r10 = (word)(descriptor_of(victim_key)->gates + 3) + 8,
                               .r15 = *slot() << IA2_RECORD_SHIFT};
    jump_with(&forged, wrpkru_between(own_key, victim_key, 0));
}
