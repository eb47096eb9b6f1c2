#include <string.h>

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

/* The gate at an address; NULL if none begins there. */
static inline __attribute__((always_inline)) const struct ia2_gate_descriptor *gate_at(uintptr_t at)
{
    const struct ia2_module *module = &ia2_state.module[1], *end = module + ia2_state.count;
    for (; module < end; module++) {
        const struct ia2_compartment_descriptor *d = module->descriptor;
        if (!d || at - (uintptr_t)d->stubs >= (uintptr_t)d->stubs_end - (uintptr_t)d->stubs)
            continue;
        size_t offset = at - (uintptr_t)d->stubs;
        return offset & ((1u << IA2_STUB_SHIFT) - 1) ? NULL : &d->gates[offset >> IA2_STUB_SHIFT];
    }
    return NULL;
}

const void *ia2_check_target(const void *pointer, unsigned type)
{
    if (!pointer)
        return pointer;
    const struct ia2_gate_descriptor *gate = gate_at((uintptr_t)pointer);
    if (!gate)
        return no_gate(pointer, __builtin_return_address(0));
    return __builtin_expect(gate->type == type, 1)
               ? pointer
               : other_type(pointer, type, gate, __builtin_return_address(0));
}

/* NULL, SIG_DFL, SIG_IGN, SIG_HOLD; SIG_ERR. The kernel maps nothing there. */
static int is_mark(const void *pointer)
{
    return (uintptr_t)pointer + 1 <= IA2_PAGE;
}

static const void *check_callback(const void *pointer, unsigned type, unsigned other,
                                  const void *from)
{
    if (is_mark(pointer))
        return pointer;
    const struct ia2_gate_descriptor *gate = gate_at((uintptr_t)pointer);
    if (!gate)
        return no_gate(pointer, from);
    return gate->type == other  ? pointer
           : gate->type == type ? pointer
                                : other_type(pointer, type, gate, from);
}

const void *ia2_check_callback(const void *pointer, unsigned type, unsigned other)
{
    return check_callback(pointer, type, other, __builtin_return_address(0));
}

const void *ia2_check_callbacks(const void *record, void *copy, unsigned long size,
                                const unsigned *members, unsigned long count)
{
    if (!record)
        return NULL;
    memmove(copy, record, size);
    for (unsigned long i = 0; i + 1 < count; i += 2) {
        const int same = i + 3 < count && members[i + 2] == members[i];
        const void *pointer;
        memcpy(&pointer, (const char *)copy + members[i], sizeof(pointer));
        pointer = check_callback(pointer, members[i + 1], members[same ? i + 3 : i + 1],
                                 __builtin_return_address(0));
        memcpy((char *)copy + members[i], &pointer, sizeof(pointer));
        i += same ? 2 : 0;
    }
    return copy;
}

int ia2_get_compartment(void)
{
    int key = ia2_current_compartment();
    return key < 0 ? 0 : key;
}
