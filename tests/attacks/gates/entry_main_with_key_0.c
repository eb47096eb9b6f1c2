/* class: gates
 * source: the threat model's "seeming to be another caller"
 * tries: to run main, the first of the victim's own gates, again with key 0 alone
 * must: end the process
 * expect: stopped */
#include "attack.h"

ATTACK
{
    struct registers forged = {.rax = pkru_of(victim_key),
                               .r10 = (word)descriptor_of(victim_key)->gates,
                               .r15 = *slot() << IA2_RECORD_SHIFT,
                               .rdi = 1};
    jump_with(&forged, wrpkru_between(0, victim_key, 0));
}
