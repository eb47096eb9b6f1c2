#define _GNU_SOURCE
#include "memory/heap_ranges.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "state/system_calls.h"

/* What constructors map is under key 0 until their compartment has its keys. They run one after the
 * other, before main or under the loader's lock. A hint, which every compartment can write; whose a
 * range is the state says. */
static struct early_range {
    void *start;
    size_t size;
    int owner;
} early[128];
static unsigned early_count;

/* Where plugins have heaps, first and last granule. */
static _Atomic size_t lowest = IA2_GRANULES, highest;

static void note_plugin_range(const void *start, size_t size, int owner)
{
    const struct ia2_compartment_descriptor *first = ia2_state.module[1].descriptor;
    size_t low = (uintptr_t)start >> IA2_GRANULE_SHIFT, high = low + (size >> IA2_GRANULE_SHIFT),
           seen;
    if (!first || !(first->plugin_keys >> (owner & (IA2_MAX_COMPARTMENTS - 1)) & 1))
        return;
    for (seen = lowest; low < seen && !atomic_compare_exchange_weak(&lowest, &seen, low);)
        ;
    for (seen = highest; high > seen && !atomic_compare_exchange_weak(&highest, &seen, high);)
        ;
}

void ia2_heap_ranges_let_go(int owner)
{
    for (size_t granule = lowest; granule < highest; granule++)
        if ((ia2_state.owner[granule] & ~IA2_OWNER_SHARED) == owner) {
            uint8_t gone = ia2_state.owner[granule] | IA2_OWNER_GONE;
            ia2_state_write(&ia2_state.owner[granule], &gone, sizeof(gone));
        }
}

static int key_of(int owner)
{
    return owner & IA2_OWNER_SHARED ? 0 : owner;
}

static void set_owner(void *start, size_t size, int owner)
{
    uint8_t owners[512];
    memset(owners, owner, sizeof(owners));
    size_t granule = (uintptr_t)start >> IA2_GRANULE_SHIFT, left = size >> IA2_GRANULE_SHIFT;
    while (left) {
        size_t n = left < sizeof(owners) ? left : sizeof(owners);
        ia2_state_write(&ia2_state.owner[granule], owners, n);
        granule += n;
        left -= n;
    }
}

void *ia2_heap_range_map(size_t size, size_t align, int owner)
{
    ia2_state_open();
    size_t whole = (size + IA2_GRANULE - 1) & -IA2_GRANULE;
    if (whole < size) {
        errno = ENOMEM;
        return NULL;
    }
    void *start = ia2_sys_reserve(whole, align < IA2_GRANULE ? IA2_GRANULE : align);
    if (!start) {
        errno = ENOMEM;
        return NULL;
    }
    int early_on =
        !ia2_state.ready || !ia2_state.module[owner & (IA2_MAX_COMPARTMENTS - 1)].descriptor;
    if (early_on) {
        if (early_count == sizeof(early) / sizeof(early[0]))
            ia2_die("constructors allocate more than the runtime can take over (%u heap ranges)",
                    early_count);
        early[early_count++] = (struct early_range){start, whole, owner};
    }
    int r = ia2_sys_protect(start, size, PROT_READ | PROT_WRITE, early_on ? 0 : key_of(owner));
    if (r) {
        munmap(start, whole);
        errno = -r;
        return NULL;
    }
    note_plugin_range(start, whole, owner);
    set_owner(start, whole, owner);
    return start;
}

int ia2_heap_range_unmap(void *start, size_t size)
{
    if ((uintptr_t)start % IA2_GRANULE || size % IA2_GRANULE)
        return madvise(start, size, MADV_DONTNEED);
    /* First without an owner, then gone: the other way round a new owner's mark could be
     * overwritten. */
    set_owner(start, size, IA2_OWNER_NONE);
    return munmap(start, size);
}

static int is_owned(const struct early_range *range)
{
    size_t granule = (uintptr_t)range->start >> IA2_GRANULE_SHIFT,
           count = range->size >> IA2_GRANULE_SHIFT;
    if (!range->owner || granule >= IA2_GRANULES || count > IA2_GRANULES - granule)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (ia2_state.owner[granule + i] != range->owner)
            return 0;
    return 1;
}

void ia2_heap_ranges_set_keys(void)
{
    unsigned count = early_count < sizeof(early) / sizeof(early[0])
                         ? early_count
                         : sizeof(early) / sizeof(early[0]);
    for (unsigned i = 0; i < count; i++) {
        const struct early_range range = *(const volatile struct early_range *)&early[i];
        if (!is_owned(&range))
            continue;
        int r =
            ia2_sys_protect(range.start, range.size, PROT_READ | PROT_WRITE, key_of(range.owner));
        if (r)
            ia2_die("cannot put a heap under key %d (%s)", key_of(range.owner),
                    strerrorname_np(-r));
    }
    early_count = 0;
}
