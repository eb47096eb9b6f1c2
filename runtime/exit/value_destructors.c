#define _GNU_SOURCE
#include "exit/value_destructors.h"

#include <stddef.h>

#include "exit/counters.h"
#include "exit/table.h"
#include "exit/trace.h"
#include "ia2_destructors.h"
#include "state/compartment_name.h"
#include "state/rights.h"
#include "state/state.h"

/* Records are used again, so a name has the sequence number too. */
int64_t ia2_exit_add_key(int registrant, void (*destructor)(void *))
{
    ia2_exit_has_key(registrant);
    uint32_t index =
        ia2_exit_add_record(registrant, IA2_EXIT_KEY, (void (*)(void))(void *)destructor, NULL);
    return index == IA2_EXIT_RECORDS
               ? -1
               : (int64_t)(ia2_state.exit[index].sequence * IA2_EXIT_RECORDS + index);
}

/* The record, or NULL. */
static const struct exit_record *key_record(int64_t name, int registrant)
{
    const struct exit_record *r = &ia2_state.exit[(uint64_t)name % IA2_EXIT_RECORDS];
    return r->state == IA2_EXIT_ARMED && r->kind == IA2_EXIT_KEY &&
                   r->registered_by == registrant &&
                   r->sequence == (uint64_t)name / IA2_EXIT_RECORDS
               ? r
               : NULL;
}

void ia2_exit_delete_key(int64_t name, int registrant)
{
    ia2_exit_has_key(registrant);
    const struct exit_record *record = key_record(name, registrant);
    if (record)
        ia2_exit_free_record((uint32_t)(record - ia2_state.exit));
}

int ia2_exit_run_key(int64_t name, int registrant, void *value)
{
    char text[96];
    const struct exit_record *record = &ia2_state.exit[(uint64_t)name % IA2_EXIT_RECORDS];
    /* Read before the test: another thread may delete the key at any time, but a record never gets
     * the same name twice. If the name is still there, the function was the key's. */
    void (*destructor)(void *) =
        (void (*)(void *))(void *)__atomic_load_n(&record->function, __ATOMIC_ACQUIRE);
    if (!key_record(name, registrant))
        return 0;
    ia2_exit_counts.success++;
    if (ia2_state.exit_flags & IA2_EXIT_TRACE)
        ia2_exit_trace("running '%s' (%s) in compartment %s: PKRU %#010x",
                       ia2_exit_symbol((const void *)destructor, registrant, text),
                       ia2_exit_kind_name(IA2_EXIT_KEY), ia2_compartment_name(registrant),
                       ia2_read_pkru());
    destructor(value);
    return 1;
}
