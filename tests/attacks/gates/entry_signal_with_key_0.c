/* class: gates
 * source: the threat model's "seeming to be another caller"
 * tries: to call each of the victim's runtime gates (thread, signal, exit, ...) with key 0 alone
 * must: run nothing of the attacker's, and nothing out of its time
 * expect: stopped */
#include "attack.h"

ATTACK
{
    for (int gate = 1; gate < 9; gate++) {
        int child = SYS(SYS_fork), status;
        if (!child) {
            struct registers forged = {.rax = pkru_of(victim_key),
                                       .r10 = (word)(descriptor_of(victim_key)->gates + gate),
                                       .r15 = *slot() << IA2_RECORD_SHIFT,
                                       .rdi = (word)payload,
                                       .rsi = (word)payload,
                                       .r12 = (word)payload,
                                       .r13 = (word)payload};
            jump_with(&forged, wrpkru_between(0, victim_key, 0));
        }
        SYS(SYS_wait4, child, &status, 0);
    }
}
