/* class: gates
 * source: System V ABI, callee-saved registers
 * tries: to change the victim's callee-saved registers in a callback
 * must: give the victim its own registers back
 * expect: stopped */
#include "attack.h"

static long change(long value)
{
    struct registers forged = {.rax = pkru_of(victim_key), .r8 = value};
    for (word *r = &forged.rbx; r <= &forged.r15; r++)
        if (r != &forged.r8)
            *r = 0x41414141;
    /* The own gate would do this: the call of this compartment is over. */
    *suspended_word(own_key) = ~*suspended_word(own_key);
    jump_with(&forged, wrpkru_between(victim_key, own_key, 1));
    return value;
}

ATTACK
{
    hook = change;
    if (victim_back_registers(own_callback(), 1) == -1)
        effect("the victim's registers were changed");
}
