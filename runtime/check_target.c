#include "ia2.h"
#include "permissive.h"
#include "state.h"

const void *ia2_check_target(const void *pointer, unsigned type)
{
    if (!pointer)
        return pointer;
    const char *at = pointer;
    for (uint32_t key = 1; key <= ia2_state.count; key++) {
        const struct ia2_compartment_descriptor *d = ia2_state.module[key].descriptor;
        if (!d || at < d->stubs || at >= d->stubs_end)
            continue;
        size_t offset = (size_t)(at - d->stubs);
        if (offset & ((1u << IA2_STUB_SHIFT) - 1))
            break;
        const struct ia2_gate_descriptor *gate = &d->gates[offset >> IA2_STUB_SHIFT];
        uint32_t found = gate->type;
        for (uint32_t i = 1; found != type && i <= gate->further; i++)
            if (gate[i].type == type)
                return at + ((size_t)i << IA2_STUB_SHIFT);
        if (found != type && !ia2_permissive_call(pointer, __builtin_return_address(0), 1))
            ia2_die("compartment %d calls a function pointer of another type than the function at %p has (%#x, not %#x)",
                    ia2_current_compartment(), pointer, found, type);
        return pointer;
    }
    if (ia2_permissive_call(pointer, __builtin_return_address(0), 0))
        return pointer;
    ia2_die("compartment %d calls a function pointer whose value, %p, is no call gate", ia2_current_compartment(), pointer);
}

int ia2_get_compartment(void)
{
    int key = ia2_current_compartment();
    return key < 0 ? 0 : key;
}
