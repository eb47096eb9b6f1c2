/* Which objects of the types that IA2_CONSTRUCTOR names there are: their addresses and types, in
 * this compartment's own memory, where no other can change or read them. The types' names are
 * constants of the generated code. */
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "compartment/compartment.h"
#include "base/die.h"
#include "base/lock.h"
#include "compartment/heap/own_heap.h"
#include "ia2.h"
#include "compartment/heap/jemalloc.h"

struct ia2_type_registry {
    struct object {
        const void *address;
        const char *type;
    } *objects; /* open addressing; address NULL: free */
    size_t count, capacity; /* capacity: 0 or a power of two */
} ia2_type_registry;
static struct ia2_lock lock = IA2_LOCK(IA2_RANK_TYPES);

static size_t place_of(const void *address)
{
    return (size_t)(((uint64_t)(uintptr_t)address >> 4) * 0x9e3779b97f4a7c15ul >> 20) &
           (ia2_type_registry.capacity - 1);
}

/* The object's entry, or the free one where it would be. There is always a free one. */
static struct object *find(const void *address)
{
    size_t i = place_of(address);
    while (ia2_type_registry.objects[i].address && ia2_type_registry.objects[i].address != address)
        i = (i + 1) & (ia2_type_registry.capacity - 1);
    return &ia2_type_registry.objects[i];
}

static void take_lock(void)
{
    ia2_lock(&lock);
}

static void give_lock(void)
{
    ia2_unlock(&lock);
}

static void grow(void)
{
    struct ia2_type_registry *r = &ia2_type_registry;
    struct object *old = r->objects;
    size_t old_capacity = r->capacity;
    r->capacity = old_capacity ? 2 * old_capacity : 64;
    r->objects = ia2_own_calloc(r->capacity, sizeof(*r->objects));
    if (!r->objects)
        ia2_die("compartment %s: no memory for the addresses of %zu objects",
                ia2_this_compartment.name, r->count);
    for (size_t i = 0; i < old_capacity; i++)
        if (old[i].address)
            *find(old[i].address) = old[i];
    ia2_je_free(old);
    if (!old && pthread_atfork(take_lock, give_lock, give_lock))
        ia2_die("compartment %s: no memory for a fork handler", ia2_this_compartment.name);
}

/* Takes an entry out; those behind it that had to make way move up. */
static void take_out(struct object *entry)
{
    struct ia2_type_registry *r = &ia2_type_registry;
    size_t hole = (size_t)(entry - r->objects), mask = r->capacity - 1;
    for (size_t i = (hole + 1) & mask; r->objects[i].address; i = (i + 1) & mask)
        if (((i - place_of(r->objects[i].address)) & mask) >= ((i - hole) & mask)) {
            r->objects[hole] = r->objects[i];
            hole = i;
        }
    r->objects[hole].address = NULL;
    r->count--;
}

void ia2_object_begin(const void *object, const char *type, const char *function)
{
    if (!object)
        return; /* nothing was made */
    take_lock();
    if (2 * (ia2_type_registry.count + 1) > ia2_type_registry.capacity)
        grow();
    struct object *entry = find(object);
    if (entry->address)
        ia2_die("compartment %s: %s makes a %s at %p, where there is a %s already",
                ia2_this_compartment.name, function, type, object, entry->type);
    *entry = (struct object){object, type};
    ia2_type_registry.count++;
    give_lock();
}

static struct object *expect(const void *object, const char *type, const char *function)
{
    struct object *entry = object && ia2_type_registry.capacity ? find(object) : NULL;
    if (!entry || !entry->address)
        ia2_die("compartment %s: %s is given %p, which is no %s", ia2_this_compartment.name,
                function, object, type);
    if (entry->type != type && strcmp(entry->type, type))
        ia2_die("compartment %s: %s is given %p, which is a %s and no %s",
                ia2_this_compartment.name, function, object, entry->type, type);
    return entry;
}

void ia2_object_check(const void *object, const char *type, const char *function)
{
    take_lock();
    expect(object, type, function);
    give_lock();
}

void ia2_object_end(const void *object, const char *type, const char *function)
{
    take_lock();
    take_out(expect(object, type, function));
    give_lock();
}
