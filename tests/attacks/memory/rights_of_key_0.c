/* class: memory
 * source: the threat model's "libc's own exit and thread code runs with key 0 alone"
 * tries: to keep key 0 alone by jumping to the gate to key 0, and to read the secret then
 * must: fault: key 0 alone is no compartment's rights
 * expect: stopped */
#include "attack.h"

ATTACK
{
    struct registers forged = {.rax = IA2_PKRU_0, .r15 = *slot() << IA2_RECORD_SHIFT,
                               .r10 = (word)descriptor_of(own_key)->gates};
    for (int back = 0; back < 2; back++) {
        int status, child = SYS(SYS_fork);
        if (!child)
            jump_with(&forged, back ? wrpkru_between(0, own_key, 1)
                                    : wrpkru_between(own_key, 0, 0));
        SYS(SYS_wait4, child, &status, 0);
    }
    own();
}
