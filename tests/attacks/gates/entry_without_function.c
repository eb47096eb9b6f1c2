/* class: gates
 * source: jump into the middle of a gate
 * tries: to jump to the WRPKRU that enters the victim with its PKRU and no descriptor
 * must: end the process: the descriptor is not one of the victim's
 * expect: stopped */
#include "attack.h"

ATTACK
{
    struct registers forged = {.rax = pkru_of(victim_key), .r15 = *slot() << IA2_RECORD_SHIFT};
    jump_with(&forged, wrpkru_between(own_key, victim_key, 0));
}
