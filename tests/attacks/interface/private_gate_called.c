/* class: interface
 * source: the threat model's "call what was not given to it"
 * tries: to call each gate of the victim of that type itself
 * must: not run a function whose address the victim never gave away
 * expect: stopped */
#include "attack.h"

static void try_gate(callback *gate)
{
    int status, child = fork();
    if (!child) {
        gate(7);
        if (victim_call(OBJECT, 0, 0) != 0x1111)
            effect("a private function of the victim's ran");
        SYS(SYS_exit_group, 0);
    }
    waitpid(child, &status, 0);
}

ATTACK
{
    const struct ia2_compartment_descriptor *mine = descriptor_of(own_key),
                                            *its = descriptor_of(victim_key);
    word legal = (word)own_callback();
    uint32_t type = mine->gates[(legal - (word)mine->stubs) >> IA2_STUB_SHIFT].type;
    victim_back((callback *)legal, 1);
    for (const char *stub = its->stubs; type && stub < its->stubs_end; stub += 1 << IA2_STUB_SHIFT)
        if (its->gates[(stub - its->stubs) >> IA2_STUB_SHIFT].type == type)
            try_gate((callback *)(word)stub);
}
