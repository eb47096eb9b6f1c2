#define _GNU_SOURCE
#include "memory/heap_ranges.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "state/monitor.h"
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
        if ((ia2_state.owner[granule] & ~IA2_OWNER_SHARED) == owner)
            ia2_state.owner[granule] |= IA2_OWNER_GONE;
}

static int key_of(int owner)
{
    return owner & IA2_OWNER_SHARED ? 0 : owner;
}

static void set_owner(void *start, size_t size, int owner)
{
    memset(&ia2_state.owner[(uintptr_t)start >> IA2_GRANULE_SHIFT], owner,
           size >> IA2_GRANULE_SHIFT);
}

/* What a caller may name: itself, for its blocks or for its shared ones. */
static int is_own(int owner, int caller)
{
    return caller == IA2_KEY_MONITOR || (owner & ~IA2_OWNER_SHARED) == caller;
}

static void *map(size_t size, size_t align, int owner)
{
    size_t whole = (size + IA2_GRANULE - 1) & -IA2_GRANULE;
    if (whole < size)
        return NULL;
    void *start = ia2_sys_reserve(whole, align < IA2_GRANULE ? IA2_GRANULE : align);
    if (!start)
        return NULL;
    set_owner(start, whole, owner);
    int early_on =
        !ia2_state.ready || !ia2_state.module[owner & (IA2_MAX_COMPARTMENTS - 1)].descriptor;
    if (early_on) {
        if (early_count == sizeof(early) / sizeof(early[0]))
            ia2_die("constructors allocate more than the runtime can take over (%u heap ranges)",
                    early_count);
        early[early_count++] = (struct early_range){start, whole, owner};
    }
    if (ia2_sys_protect(start, size, PROT_READ | PROT_WRITE, early_on ? 0 : key_of(owner))) {
        set_owner(start, whole, IA2_OWNER_NONE);
        ia2_sys_unmap(start, whole);
        return NULL;
    }
    note_plugin_range(start, whole, owner);
    return start;
}

long ia2_heap_range_mapped(long size, long align, long owner, long unused, int caller)
{
    (void)unused;
    /* Fresh memory in a compartment's name takes nothing from it: key 0 may, for constructors. */
    int key = (int)owner & ~IA2_OWNER_SHARED;
    if (key < 1 || key > IA2_LAST_COMPARTMENT || (caller && !is_own((int)owner, caller)))
        ia2_die("compartment %d maps a heap for compartment %ld", caller,
                owner & ~(long)IA2_OWNER_SHARED);
    ia2_lock(&ia2_state.memory_lock);
    void *start = map((size_t)size, (size_t)align, (int)owner);
    ia2_unlock(&ia2_state.memory_lock);
    return (long)start;
}

long ia2_heap_range_unmapped(long given, long size, long unused1, long unused2, int caller)
{
    (void)unused1, (void)unused2;
    void *start = (void *)given;
    size_t granule = (uintptr_t)start >> IA2_GRANULE_SHIFT,
           count = (size_t)size >> IA2_GRANULE_SHIFT;
    if (granule >= IA2_GRANULES || count > IA2_GRANULES - granule)
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        if (!is_own(ia2_state.owner[granule + i], caller))
            ia2_die("compartment %d gives back a heap that is not its own", caller);
    /* First without an owner, then gone: the other way round a new owner's mark could be
     * overwritten. */
    ia2_lock(&ia2_state.memory_lock);
    set_owner(start, (size_t)size, IA2_OWNER_NONE);
    int r = ia2_sys_unmap(start, (size_t)size);
    ia2_unlock(&ia2_state.memory_lock);
    return r;
}

void *ia2_heap_range_map(size_t size, size_t align, int owner)
{
    void *start = (void *)ia2_monitor(IA2_DO_HEAP_RANGE_MAP, (long)size, (long)align, owner, 0);
    if (!start)
        errno = ENOMEM;
    return start;
}

int ia2_heap_range_unmap(void *start, size_t size)
{
    if ((uintptr_t)start % IA2_GRANULE || size % IA2_GRANULE)
        return madvise(start, size, MADV_DONTNEED);
    long r = ia2_monitor(IA2_DO_HEAP_RANGE_UNMAP, (long)start, (long)size, 0, 0);
    errno = r ? (int)-r : errno;
    return r ? -1 : 0;
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
