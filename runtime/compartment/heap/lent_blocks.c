#include "compartment/heap/lent_blocks.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/lock.h"
#include "compartment/compartment.h"
#include "compartment/heap/jemalloc.h"
#include "compartment/heap/own_heap.h"

#define EMPTY 0
#define REMOVED 1

static struct lent_block {
    uintptr_t address; /* or EMPTY, REMOVED */
    int client;
} *blocks;
static size_t capacity, used; /* used: removed ones included */
static _Atomic size_t lent_to_one; /* blocks that a single client has */
static struct ia2_lock lock = IA2_LOCK(IA2_RANK_LENT);

static size_t place(uintptr_t address)
{
    return (size_t)((address >> 4) * 0x9e3779b97f4a7c15u >> 20) & (capacity - 1);
}

static void insert(uintptr_t address, int client)
{
    size_t i = place(address);
    while (blocks[i].address > REMOVED)
        i = (i + 1) & (capacity - 1);
    used += blocks[i].address == EMPTY;
    blocks[i] = (struct lent_block){address, client};
}

static int make_room(void)
{
    if (2 * (used + 1) <= capacity)
        return 0;
    struct lent_block *old = blocks;
    size_t old_capacity = capacity, want = 64, live = 0;
    for (size_t i = 0; i < old_capacity; i++)
        live += old[i].address > REMOVED;
    while (want < 4 * (live + 1))
        want *= 2;
    struct lent_block *larger = ia2_own_calloc(want, sizeof(*larger));
    if (!larger)
        return -1;
    blocks = larger;
    capacity = want;
    used = 0;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].address > REMOVED)
            insert(old[i].address, old[i].client);
    ia2_je_free(old); /* not free(): the lock is held */
    return 0;
}

static struct lent_block *find(void *p)
{
    if (!capacity || (uintptr_t)p <= REMOVED)
        return NULL;
    for (size_t i = place((uintptr_t)p); blocks[i].address != EMPTY; i = (i + 1) & (capacity - 1))
        if (blocks[i].address == (uintptr_t)p)
            return &blocks[i];
    return NULL;
}

static void remove_block(struct lent_block *block)
{
    block->address = REMOVED;
    if (block->client != IA2_LENT_TO_ALL)
        lent_to_one--;
}

int ia2_lend(void *p, int client)
{
    ia2_lock(&lock);
    int r = make_room();
    if (!r) {
        insert((uintptr_t)p, client);
        if (client != IA2_LENT_TO_ALL)
            lent_to_one++;
    }
    ia2_unlock(&lock);
    return r;
}

int ia2_take_back(void *p, int client)
{
    ia2_lock(&lock);
    struct lent_block *block = find(p);
    int is = block && block->client == client;
    if (is)
        remove_block(block);
    ia2_unlock(&lock);
    return is;
}

void ia2_forget_lent(void *p)
{
    if (__builtin_expect(lent_to_one == 0, 1))
        return;
    ia2_lock(&lock);
    struct lent_block *block = find(p);
    if (block)
        remove_block(block);
    ia2_unlock(&lock);
}

int ia2_is_lent(void *p, int client)
{
    ia2_lock(&lock);
    struct lent_block *block = find(p);
    int is = block && block->client == client;
    ia2_unlock(&lock);
    return is;
}
