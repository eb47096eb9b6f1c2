#include "containment/allowed.h"

#include "state/addresses.h"
#include "state/rights.h"
#include "state/state.h"

static uint32_t allowed_to(int key)
{
    const struct ia2_compartment_descriptor *d = ia2_state.module[key].descriptor;
    return d ? d->system_calls : 0;
}

int ia2_call_may(int key, enum ia2_call_class class)
{
    uint32_t mask = ~0u;
    if (!ia2_state.contained)
        return 1;
    if (key > 0)
        return allowed_to(key) >> class & 1;
    /* Key 0 runs for everybody who waits on this thread: what all of them may. */
    const struct ia2_thread_record *record = ia2_this_thread();
    if (!record)
        return 0;
    for (int other = 1; other <= (int)ia2_state.count; other++) {
        uint64_t word = *ia2_suspended_word(record, other),
                 first = record->top[other] + (uint64_t)(int64_t)IA2_FIRST_FRAME;
        if (ia2_state.module[other].descriptor && word && word != first)
            mask &= allowed_to(other);
    }
    return mask >> class & 1;
}
