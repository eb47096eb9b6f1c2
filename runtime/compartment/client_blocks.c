/* Blocks of this heap that the policy lets another compartment allocate and free. Which they are is kept here, in this
 * compartment's memory: a client can give back what it got and nothing else. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "compartment.h"

static struct client_block {
    uintptr_t address; /* 0: empty, 1: removed */
    int client;
} *blocks;
static size_t capacity, used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t place(uintptr_t address)
{
    return (size_t)((address >> 4) * 0x9e3779b97f4a7c15u >> 20) & (capacity - 1);
}

static void insert(uintptr_t address, int client)
{
    size_t i = place(address);
    while (blocks[i].address > 1)
        i = (i + 1) & (capacity - 1);
    used += blocks[i].address == 0;
    blocks[i] = (struct client_block){address, client};
}

static int grow(void)
{
    struct client_block *old = blocks;
    size_t old_capacity = capacity, want = capacity ? capacity : 64, live = 0;
    for (size_t i = 0; i < old_capacity; i++)
        live += old[i].address > 1;
    while (want < 4 * (live + 1))
        want *= 2;
    struct client_block *larger = calloc(want, sizeof(*larger));
    if (!larger)
        return ENOMEM;
    blocks = larger;
    capacity = want;
    used = 0;
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].address > 1)
            insert(old[i].address, old[i].client);
    free(old);
    return 0;
}

void *ia2_compartment_client_alloc(size_t size, size_t align, int client)
{
    void *p = NULL;
    if (align > 16 ? posix_memalign(&p, align, size) != 0 : !(p = calloc(1, size)))
        return NULL;
    pthread_mutex_lock(&lock);
    int r = 2 * (used + 1) > capacity ? grow() : 0;
    if (!r)
        insert((uintptr_t)p, client);
    pthread_mutex_unlock(&lock);
    if (!r)
        return p;
    free(p);
    return NULL;
}

int ia2_compartment_client_free(void *p, int client)
{
    int found = 0;
    pthread_mutex_lock(&lock);
    for (size_t n = 0, i = capacity ? place((uintptr_t)p) : 0; n < capacity && blocks[i].address; n++) {
        if (blocks[i].address == (uintptr_t)p && blocks[i].client == client) {
            blocks[i].address = 1;
            found = 1;
            break;
        }
        i = (i + 1) & (capacity - 1);
    }
    pthread_mutex_unlock(&lock);
    if (found)
        free(p);
    return found;
}
