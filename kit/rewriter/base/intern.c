#include "base/intern.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must_realloc(void *old, size_t size)
{
    void *const new = realloc(old, size ? size : 1);
    if (!new) {
        fputs("ia2-rewriter: out of memory\n", stderr);
        exit(1);
    }
    return new;
}

void *must_alloc(size_t size)
{
    return memset(must_realloc(NULL, size), 0, size);
}

void *array_push(void *array_pointer, size_t *count, size_t *capacity, size_t element)
{
    char *array;
    memcpy(&array, array_pointer, sizeof(array));
    if (*count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 16;
        array = must_realloc(array, *capacity * element);
        memcpy(array_pointer, &array, sizeof(array));
    }
    return memset(array + element * (*count)++, 0, element);
}

static uint64_t mix(uint64_t key)
{
    key ^= key >> 31;
    key *= 0x9e3779b97f4a7c15ull;
    return key ^ key >> 29;
}

static struct map_slot *map_find(const struct map *map, uint64_t key)
{
    for (size_t i = mix(key);; i++) {
        struct map_slot *const slot = &map->slots[i & (map->capacity - 1)];
        if (!slot->key || slot->key == key)
            return slot;
    }
}

void *map_get(const struct map *map, uint64_t key)
{
    return map->capacity ? map_find(map, key)->value : NULL;
}

void map_put(struct map *map, uint64_t key, void *value)
{
    if (2 * (map->used + 1) > map->capacity) {
        struct map bigger = {.capacity = map->capacity ? 2 * map->capacity : 64};
        bigger.slots = must_alloc(bigger.capacity * sizeof(*bigger.slots));
        for (size_t i = 0; i < map->capacity; i++)
            if (map->slots[i].key)
                *map_find(&bigger, map->slots[i].key) = map->slots[i];
        bigger.used = map->used;
        free(map->slots);
        *map = bigger;
    }
    struct map_slot *const slot = map_find(map, key);
    if (!slot->key)
        map->used++;
    *slot = (struct map_slot){key, value};
}

int map_add(struct map *map, uint64_t key)
{
    if (map_get(map, key))
        return 0;
    map_put(map, key, map);
    return 1;
}

void map_free(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}

uint64_t hash_bytes(const void *data, size_t size)
{
    const char *bytes = data;
    uint64_t a = 0x9e3779b97f4a7c15ull ^ size, b = 0xc2b2ae3d27d4eb4full, word;
    for (; size >= 16; bytes += 16, size -= 16) {
        memcpy(&word, bytes, 8);
        a = (a ^ word) * 0xff51afd7ed558ccdull;
        a ^= a >> 32;
        memcpy(&word, bytes + 8, 8);
        b = (b ^ word) * 0xc4ceb9fe1a85ec53ull;
        b ^= b >> 32;
    }
    for (; size; bytes++, size--)
        a = (a ^ (unsigned char)*bytes) * 1099511628211ull;
    a ^= b + (a << 6) + (a >> 2);
    a = (a ^ a >> 33) * 0xff51afd7ed558ccdull;
    return a ^ a >> 29;
}

/* Buckets are chains, since the key of the map above cannot be a string. */
struct interned {
    struct interned *next;
    size_t length;
    char text[];
};

static struct interned *buckets[1 << 16];
static pthread_mutex_t intern_lock = PTHREAD_MUTEX_INITIALIZER;

const char *intern_n(const char *text, size_t length)
{
    uint64_t hash = 14695981039346656037ull;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211ull;
    struct interned **const bucket = &buckets[mix(hash) & 0xffff];
    pthread_mutex_lock(&intern_lock);
    struct interned *entry = *bucket;
    while (entry && (entry->length != length || memcmp(entry->text, text, length)))
        entry = entry->next;
    if (!entry) {
        entry = must_realloc(NULL, sizeof(*entry) + length + 1);
        entry->next = *bucket;
        entry->length = length;
        memcpy(entry->text, text, length);
        entry->text[length] = 0;
        *bucket = entry;
    }
    pthread_mutex_unlock(&intern_lock);
    return entry->text;
}

const char *intern(const char *text)
{
    return intern_n(text, strlen(text));
}

const char *intern_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text;
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        fputs("ia2-rewriter: out of memory\n", stderr);
        exit(1);
    }
    const char *const result = intern_n(text, (size_t)length);
    free(text);
    return result;
}

void text_add(struct text *text, const char *data, size_t length)
{
    if (text->length + length + 1 > text->capacity) {
        text->capacity = 2 * (text->length + length + 1);
        text->data = must_realloc(text->data, text->capacity);
    }
    if (length)
        memcpy(text->data + text->length, data, length);
    text->length += length;
    text->data[text->length] = 0;
}

void text_puts(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *data;
    const int length = vasprintf(&data, format, arguments);
    va_end(arguments);
    if (length < 0) {
        fputs("ia2-rewriter: out of memory\n", stderr);
        exit(1);
    }
    text_add(text, data, (size_t)length);
    free(data);
}
