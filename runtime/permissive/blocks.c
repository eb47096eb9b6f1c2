#define _GNU_SOURCE
#include "permissive/blocks.h"

#include <stdatomic.h>
#include <string.h>
#include <unwind.h>

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

int ia2_block_at(uintptr_t address, struct ia2_block *found)
{
    for (unsigned set = 0; set < SETS; set++)
        for (int way = 0; way < WAYS; way++) {
            struct entry *entry = &table[set][way];
            uintptr_t start = entry->start;
            if (start <= BUSY || address < start ||
                address - start >= (entry->size ? entry->size : 1))
                continue;
            found->start = start;
            found->size = entry->size;
            memcpy(found->frames, entry->frames, sizeof(found->frames));
            return 1;
        }
    return 0;
}
