/* class: gates
 * source: jump into the middle of a gate
 * tries: to return to the victim from the third compartment, which the victim has not called
 * must: end the process
 * expect: stopped */
#include "attack.h"

ATTACK
{
    struct registers forged = {.rax = pkru_of(victim_key), .r8 = 0x41414141, .r9 = 0x41414141};
    int child = SYS(SYS_fork), status;
    if (!child)
        jump_with(&forged, wrpkru_between(victim_key, 3, 1));
    SYS(SYS_wait4, child, &status, 0);
    if (!WIFSIGNALED(status))
        effect("the victim took a return from a compartment that it never called");
}
