#define _GNU_SOURCE
#include "permissive/blocks.h"

#include <stdatomic.h>
#include <string.h>
#include <unwind.h>

#include "memory/heap_ranges.h"

#define SETS (1u << 13)
#define WAYS 8
#define BUSY 1

/* One set per hash of the address; the oldest of a set gives way. */
static struct entry {
    _Atomic uintptr_t start; /* 0 free, BUSY being written */
    size_t size;
    uintptr_t frames[IA2_BLOCK_FRAMES];
} table[SETS][WAYS];
static _Atomic unsigned next_way;

#define SITES (1u << 11)

/* By the hash of owner and frames; what has no room is not counted. */
static struct site {
    _Atomic uint64_t identity; /* 0: free */
    _Atomic uint64_t blocks, bytes;
    _Atomic int owner; /* 0 until frames are written */
    uintptr_t frames[IA2_BLOCK_FRAMES];
} sites[SITES];

static void count_site(int owner, const uintptr_t *frames, size_t size)
{
    uint64_t hash = (uint64_t)owner;
    for (int i = 0; i < IA2_BLOCK_FRAMES; i++) {
        hash = (hash ^ frames[i]) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
    }
    for (unsigned i = 0; i < SITES; i++) {
        struct site *site = &sites[(hash + i) % SITES];
        uint64_t found = 0;
        if (atomic_compare_exchange_strong(&site->identity, &found, hash | 1)) {
            memcpy(site->frames, frames, sizeof(site->frames));
            site->owner = owner;
        } else if (found != (hash | 1)) {
            continue;
        }
        atomic_fetch_add(&site->blocks, 1);
        atomic_fetch_add(&site->bytes, size);
        return;
    }
}

void ia2_block_sites(void (*visit)(const struct ia2_block_site *))
{
    for (unsigned i = 0; i < SITES; i++) {
        struct ia2_block_site site = {sites[i].owner, sites[i].blocks, sites[i].bytes, {0}};
        if (!site.owner)
            continue;
        memcpy(site.frames, sites[i].frames, sizeof(site.frames));
        visit(&site);
    }
}

static struct entry *set_of(uintptr_t start)
{
    return table[(start >> 4 ^ start >> 17) % SETS];
}

struct walk {
    uintptr_t *frames;
    int count;
};

static _Unwind_Reason_Code note_frame(struct _Unwind_Context *context, void *opaque)
{
    struct walk *walk = opaque;
    uintptr_t at = _Unwind_GetIP(context);
    /* The first one is this function's caller's own. */
    if (walk->count >= 0 && at)
        walk->frames[walk->count] = at;
    return ++walk->count == IA2_BLOCK_FRAMES || !at ? _URC_END_OF_STACK : _URC_NO_REASON;
}

void ia2_permissive_allocated(void *block, size_t size)
{
    uintptr_t start = (uintptr_t)block, frames[IA2_BLOCK_FRAMES] = {0};
    if (!block)
        return;
    struct walk walk = {frames, -1};
    _Unwind_Backtrace(
        note_frame,
        &walk); /* it ends at the gate: what called the compartment is not its business */
    int owner = ia2_heap_owner(block);
    if (owner > 0 && !(owner & (IA2_OWNER_SHARED | IA2_OWNER_GONE)))
        count_site(owner, frames, size);
    struct entry *set = set_of(start), *entry = NULL;
    for (int way = 0; way < WAYS && !entry; way++) {
        uintptr_t none = 0;
        if (atomic_compare_exchange_strong(&set[way].start, &none, BUSY))
            entry = &set[way];
    }
    if (!entry) {
        entry = &set[atomic_fetch_add(&next_way, 1) % WAYS];
        uintptr_t old = entry->start;
        if (old == BUSY || !atomic_compare_exchange_strong(&entry->start, &old, BUSY))
            return;
    }
    entry->size = size;
    memcpy(entry->frames, frames, sizeof(frames));
    entry->start = start;
}

void ia2_permissive_freed(void *block)
{
    struct entry *set = set_of((uintptr_t)block);
    for (int way = 0; block && way < WAYS; way++) {
        uintptr_t start = (uintptr_t)block;
        atomic_compare_exchange_strong(&set[way].start, &start, 0);
    }
}

static int is_in_block(const struct entry *entry, uintptr_t address)
{
    uintptr_t start = entry->start;
    return start > BUSY && address >= start && address - start < (entry->size ? entry->size : 1);
}

int ia2_block_at(uintptr_t address, struct ia2_block *found)
{
    /* Most violations hit the block of the last one. */
    static struct entry *_Atomic last;
    struct entry *entry = last;
    if (entry && !is_in_block(entry, address))
        entry = NULL;
    for (unsigned i = 0; !entry && i < SETS * WAYS; i++)
        if (is_in_block(&table[i / WAYS][i % WAYS], address))
            entry = &table[i / WAYS][i % WAYS];
    if (!entry)
        return 0;
    last = entry;
    found->start = entry->start;
    found->size = entry->size;
    memcpy(found->frames, entry->frames, sizeof(found->frames));
    return 1;
}
