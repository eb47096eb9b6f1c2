#define _GNU_SOURCE
#include "state/monitor.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/die.h"
#include "state/addresses.h"
#include "state/rights.h"

int ia2_is_monitor(void)
{
    return ia2_read_pkru() == IA2_PKRU_MONITOR;
}

/* Raw: libc keeps two signals from being blocked. */
static void swap_mask(const uint64_t *now, uint64_t *before)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, now, before, sizeof(*now));
}

long ia2_monitor(enum ia2_operation operation, long a, long b, long c, long d)
{
    if (!ia2_state.ready || ia2_is_monitor())
        return ia2_state.dispatch((int)operation, a, b, c, d, IA2_KEY_MONITOR);
    if (ia2_read_pkru() == IA2_PKRU_ALL) { /* an exit function */
        ia2_keep_key0();
        long result = ia2_monitor(operation, a, b, c, d);
        ia2_take_all_keys();
        return result;
    }
    int key = ia2_current_compartment();
    if (key < 0)
        ia2_die("code with the rights %#x calls the monitor", ia2_read_pkru());
    static const uint64_t all = ~0ul;
    uint64_t before;
    swap_mask(&all, &before);
    long result =
        ia2_state.module[key ? key : 1].descriptor->monitor((int)operation, a, b, c, d, 0);
    swap_mask(&before, NULL);
    return result;
}

static int overlaps(struct ia2_range range, uintptr_t start, uintptr_t end)
{
    return range.start < end && start < range.end;
}

static int holds(struct ia2_range range, uintptr_t start, uintptr_t end)
{
    return start >= range.start && end <= range.end;
}

/* Whether all granules of [start, end) are a heap of `key`. */
static int is_heap_of(int key, uintptr_t start, uintptr_t end)
{
    for (uintptr_t granule = start >> IA2_GRANULE_SHIFT; granule <= (end - 1) >> IA2_GRANULE_SHIFT;
         granule++)
        if (granule >= IA2_GRANULES || ia2_state.owner[granule] != key)
            return 0;
    return 1;
}

static int is_memory_of(int key, uintptr_t start, uintptr_t end)
{
    const struct ia2_module *module = &ia2_state.module[key];
    const struct ia2_thread_record *record = ia2_this_thread();
    if (record && (holds(ia2_stack_of(record, key), start, end) ||
                   holds(ia2_tls_of(record, key), start, end)))
        return 1;
    for (int i = 0; i < IA2_DATA_RANGES; i++)
        if (holds(module->data[i], start, end))
            return 1;
    return is_heap_of(key, start, end);
}

/* The zones of a thread are their compartments', its shared stack and signal stack nobody's. */
static int thread_has(const struct ia2_thread_record *record, int but, uintptr_t start,
                      uintptr_t end)
{
    struct ia2_range zones = {record->region_low, record->state == IA2_SLOT_FREE
                                                      ? record->region_high
                                                      : record->shared_low},
                     frames = {record->first_low - IA2_SIGNAL_FRAMES, record->first_low};
    if (record->region_high && overlaps(frames, start, end))
        return 1;
    if (overlaps(zones, start, end))
        return !but || !holds(ia2_stack_of(record, but), start, end);
    for (uint32_t key = 1; ia2_has_storage(record) && key <= ia2_state.count; key++)
        if ((int)key != but && overlaps(ia2_tls_of(record, (int)key), start, end))
            return 1;
    return 0;
}

int ia2_is_free_for(int key, uintptr_t start, size_t size)
{
    uintptr_t end = start + size;
    if (end < start || end > 1ul << 47)
        return 0;
    const struct ia2_range own[] = {
        {(uintptr_t)&ia2_state, (uintptr_t)(&ia2_state + 1)},
        {ia2_state.monitor_stacks, ia2_state.monitor_stacks + IA2_SLOT_COUNT * IA2_MONITOR_STACK},
        {ia2_state.frames, ia2_state.frames + IA2_SLOT_COUNT * IA2_FRAME_BUFFER},
        {ia2_state.cookie, ia2_state.cookie + IA2_PAGE}};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (overlaps(own[i], start, end))
            return 0;
    for (uintptr_t granule = start >> IA2_GRANULE_SHIFT;
         size && granule <= (end - 1) >> IA2_GRANULE_SHIFT; granule++)
        if (ia2_state.owner[granule] != IA2_OWNER_NONE &&
            (ia2_state.owner[granule] & ~IA2_OWNER_SHARED) != key)
            return 0;
    for (uint32_t other = 1; other <= ia2_state.count; other++) {
        const struct ia2_module *module = &ia2_state.module[other];
        for (int i = 0; i < IA2_DATA_RANGES; i++)
            if ((int)other != key && overlaps(module->data[i], start, end))
                return 0;
        if (module->descriptor && overlaps(module->text, start, end))
            return 0;
    }
    for (uint32_t i = 0; i < ia2_state.mappings; i++) {
        const struct ia2_mapping *mapping = &ia2_state.mapping[i];
        if (mapping->owner < IA2_MAPPING_CODE && (int)mapping->owner != key &&
            overlaps((struct ia2_range){mapping->start, mapping->end}, start, end))
            return 0;
    }
    for (uint32_t slot = 1; slot < ia2_state.slots_used; slot++)
        if (thread_has(&ia2_state.thread[slot], key, start, end))
            return 0;
    return 1;
}

static void check(int caller, const void *memory, size_t size)
{
    uintptr_t start = (uintptr_t)memory, end = start + size;
    if (caller == IA2_KEY_MONITOR)
        return;
    if (end < start ||
        !(caller ? is_memory_of(caller, start, end) : ia2_is_free_for(0, start, size)))
        ia2_die("compartment %d has the monitor use memory that is not its own (%p, %zu bytes)",
                caller, memory, size);
}

void ia2_monitor_copy_in(int caller, void *to, const void *from, size_t size)
{
    check(caller, from, size);
    memcpy(to, from, size);
}

void ia2_monitor_copy_out(int caller, void *to, const void *from, size_t size)
{
    check(caller, to, size);
    memcpy(to, from, size);
}
