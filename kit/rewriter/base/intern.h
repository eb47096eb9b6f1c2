/* Interned strings, and a hash map whose keys are pointers or integers. Both are the rewriter's
 * only containers besides plain growing arrays. */
#ifndef IA2_INTERN_H
#define IA2_INTERN_H

#include <stddef.h>
#include <stdint.h>

/* The one copy of a string: equal strings have equal pointers. Never freed. Thread-safe. */
const char *intern(const char *text);
const char *intern_n(const char *text, size_t length);
const char *intern_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Well spread, but not against an adversary. */
uint64_t hash_bytes(const void *data, size_t size);

/* Open addressing; keys are not 0. A zeroed struct is an empty map. Not thread-safe. */
struct map {
    struct map_slot {
        uint64_t key;
        void *value;
    } *slots;
    size_t used, capacity;
};

void *map_get(const struct map *map, uint64_t key);
void map_put(struct map *map, uint64_t key, void *value);
void map_free(struct map *map);
/* Adds a key to a map used as a set; returns 1 if it was new. */
int map_add(struct map *map, uint64_t key);

static inline uint64_t key_of(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

/* Allocation that cannot fail: out of memory ends the program with a message. */
void *must_alloc(size_t size);
void *must_realloc(void *old, size_t size);

/* Appends to a plain array with a count and a capacity; returns the new (zeroed) element. */
void *array_push(void *array_pointer, size_t *count, size_t *capacity, size_t element);
#define PUSH(array, count, capacity) \
    ((__typeof__(array))array_push(&(array), &(count), &(capacity), sizeof(*(array))))

/* A growing byte string. */
struct text {
    char *data;
    size_t length, capacity;
};
void text_add(struct text *text, const char *data, size_t length);
void text_puts(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
