/* class: gates
 * source: confused deputy: a gate copies arguments that are passed on the stack
 * tries: to enter in the middle, where the gate copies, with the victim's secret as the source
 * must: fault, or copy with the attacker's rights only
 * expect: stopped */
#include "attack.h"

ATTACK
{
    for (int gate = 0; gate < 40; gate++) {
        const struct ia2_gate_descriptor *of = descriptor_of(victim_key)->gates + gate;
        if ((const char *)of >= (const char *)descriptor_of(victim_key)->gates + 40 * 32 ||
            !of->before)
            continue;
        int child = SYS(SYS_fork), status;
        if (!child) {
            struct registers forged = {.rdi = (word)victim_object, .rsi = (word)victim_secret,
                                       .r10 = (word)of, .r14 = (word)victim_object + 4096,
                                       .rbp = (word)victim_secret, .rbx = (word)own_record()};
            jump_with(&forged, (word)of->before);
        }
        SYS(SYS_wait4, child, &status, 0);
    }
}
