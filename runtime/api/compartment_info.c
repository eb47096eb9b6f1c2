/* What a compartment can ask of its own. */
#include "ia2.h"
#include "base/die.h"
#include "state/rights.h"
#include "state/state.h"

void ia2_get_compartment_stack(void **low, unsigned long *size)
{
    const struct ia2_thread_record *record = ia2_this_thread();
    int key = ia2_current_compartment();
    *low = NULL;
    *size = 0;
    if (!record || key < 1 || !record->top[key])
        return;
    *low = (void *)(record->top[key] - record->zone_size);
    *size = record->zone_size;
}

void ia2_assert_pkru(unsigned value, const char *file, int line)
{
    int key = ia2_get_compartment();
    unsigned pkru = ia2_read_pkru();
    if (pkru != value && PKRU((unsigned)key) != value)
        ia2_die("%s:%d: ASSERT_PKRU(%#x): compartment %d runs, with PKRU %#x", file, line, value,
                key, pkru);
}
