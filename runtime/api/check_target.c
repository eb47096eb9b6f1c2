#include "ia2.h"
#include "base/die.h"
#include "permissive/recorded.h"
#include "state/rights.h"
#include "state/state.h"

/* The rest is out of the way of calls that are right, whose only cost then is the comparisons: no
 * register to save, no frame. */
#define RARE __attribute__((noinline, cold))

static RARE const void *no_gate(const void *pointer, const void *from)
{
    if (ia2_permissive_call(pointer, from, 0))
        return pointer;
    ia2_die("compartment %d calls a function pointer whose value, %p, is no call gate",
            ia2_current_compartment(), pointer);
}

/* Behind the first gate of a variadic function are those for other arguments. */
static RARE const void *other_type(const void *pointer, unsigned type,
                                   const struct ia2_gate_descriptor *gate, const void *from)
{
    for (uint32_t i = 1; i <= gate->further; i++)
        if (gate[i].type == type)
            return (const char *)pointer + ((size_t)i << IA2_STUB_SHIFT);
    if (ia2_permissive_call(pointer, from, 1))
        return pointer;
    ia2_die("compartment %d calls a function pointer of another type than the function at %p has "
            "(%#x, not %#x)",
            ia2_current_compartment(), pointer, gate->type, type);
}

const void *ia2_check_target(const void *pointer, unsigned type)
{
    if (!pointer)
        return pointer;
    uintptr_t at = (uintptr_t)pointer;
    const struct ia2_module *module = &ia2_state.module[1], *end = module + ia2_state.count;
    for (; module < end; module++) {
        const struct ia2_compartment_descriptor *d = module->descriptor;
        if (!d || at - (uintptr_t)d->stubs >= (uintptr_t)d->stubs_end - (uintptr_t)d->stubs)
            continue;
        size_t offset = at - (uintptr_t)d->stubs;
        if (offset & ((1u << IA2_STUB_SHIFT) - 1))
            break;
        const struct ia2_gate_descriptor *gate = &d->gates[offset >> IA2_STUB_SHIFT];
        return __builtin_expect(gate->type == type, 1)
                   ? pointer
                   : other_type(pointer, type, gate, __builtin_return_address(0));
    }
    return no_gate(pointer, __builtin_return_address(0));
}

int ia2_get_compartment(void)
{
    int key = ia2_current_compartment();
    return key < 0 ? 0 : key;
}
