/* What an address belongs to, as the state says. Async-signal-safe, from any thread, with any
 * rights; no lock: a record that changes meanwhile is read field by field. */
#ifndef IA2_ADDRESSES_H
#define IA2_ADDRESSES_H

#include "state/state.h"

static inline int ia2_is_in(const struct ia2_range *range, uintptr_t address)
{
    return address >= range->start && address < range->end;
}

/* Whether \a address is code of the compartment \a key, which is one of 1 to ia2_state.count. */
static inline int ia2_is_code_of(int key, uintptr_t address)
{
    return ia2_is_in(&ia2_state.module[key].text, address);
}

/* Whether \a address is where some compartment's gates are: their entries, and between them. */
static inline int ia2_is_in_gates(const void *address)
{
    const char *at = address;
    for (uint32_t key = 1; key <= ia2_state.count; key++) {
        const struct ia2_compartment_descriptor *d = ia2_state.module[key].descriptor;
        if (d && at >= d->stubs && at < d->stubs_end)
            return 1;
    }
    return 0;
}

/* The stack of the compartment \a key on the thread of \a record; the signal zone is its lower end.
 */
static inline struct ia2_range ia2_stack_of(const struct ia2_thread_record *record, int key)
{
    uintptr_t top = record->top[key];
    return (struct ia2_range){top - record->zone_size - IA2_SIGNAL_GUARD - IA2_SIGNAL_ZONE, top};
}

/* The word that says where compartment \a key is suspended on the thread (state/zone.h). */
static inline uint64_t *ia2_suspended_word(const struct ia2_thread_record *record, int key)
{
    return (uint64_t *)(record->top[key] + (uint64_t)(int64_t)IA2_SUSPENDED_SP);
}

/* Whether the compartment, or key 0, runs on the thread. */
static inline int ia2_is_running(const struct ia2_thread_record *record, int key)
{
    return *ia2_suspended_word(record, key) >> 63 & 1;
}

/* Whether the thread's storage is under the keys of its compartments. */
static inline int ia2_has_storage(const struct ia2_thread_record *record)
{
    return record->state == IA2_SLOT_QUIET || record->state == IA2_SLOT_LIVE;
}

/* The same compartment's thread-local storage there. */
static inline struct ia2_range ia2_tls_of(const struct ia2_thread_record *record, int key)
{
    uintptr_t start = record->fsbase + (uintptr_t)ia2_state.module[key].tls_offset;
    return (struct ia2_range){start, start + ia2_state.module[key].tls_size};
}

#endif
