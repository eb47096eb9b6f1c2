#include "recorder.h"

#include <string.h>

uint32_t record_add(struct recorder *recorder, enum tree_section section, const void *entry)
{
    struct table *const table = &recorder->tables[section];
    const size_t size = tree_entry_sizes[section];
    if (table->count == table->capacity) {
        table->capacity = table->capacity ? 2 * table->capacity : 256;
        table->data = must_realloc(table->data, table->capacity * size);
    }
    memcpy(table->data + table->count * size, entry, size);
    return (uint32_t)table->count++;
}

/* The first name with a hash that no other one has yet; not interned, which would make the workers
 * wait for each other. */
uint32_t record_name(struct recorder *recorder, const char *name)
{
    struct table *const all = &recorder->tables[TREE_TEXT];
    const struct tree_name made = {(uint32_t)all->count, (uint32_t)strlen(name)};
    if (!made.length)
        return 0;
    uint64_t hash = tree_name_hash(name);
    uint32_t at;
    for (; (at = (uint32_t)(uintptr_t)map_get(&recorder->names, hash));
         hash = hash + 1 ? hash + 1 : 1) {
        const struct tree_name *const known = name_at(recorder, at);
        if (known->length == made.length && !memcmp(all->data + known->offset, name, made.length))
            return at;
    }
    if (all->count + made.length > all->capacity) {
        all->capacity = 2 * (all->count + made.length);
        all->data = must_realloc(all->data, all->capacity);
    }
    memcpy(all->data + all->count, name, made.length);
    all->count += made.length;
    at = record_add(recorder, TREE_NAMES, &made);
    map_put(&recorder->names, hash, (void *)(uintptr_t)at);
    return at;
}

uint32_t record_string(struct recorder *recorder, CXString string)
{
    const char *const text = clang_getCString(string);
    const uint32_t name = text ? record_name(recorder, text) : 0;
    clang_disposeString(string);
    return name;
}

uint32_t record_node(struct recorder *recorder, enum CXCursorKind kind)
{
    const struct tree_node node = {.kind = (uint16_t)kind};
    return record_add(recorder, TREE_NODES, &node);
}

uint32_t record_child(struct recorder *recorder, struct record_frame *frame, enum CXCursorKind kind)
{
    const uint32_t node = record_node(recorder, kind);
    if (frame->last)
        node_at(recorder, frame->last)->next = node;
    else
        node_at(recorder, frame->node)->child = node;
    return frame->last = node;
}

void record_set_name(struct recorder *recorder, uint32_t node, CXCursor cursor)
{
    const uint32_t name = record_string(recorder, clang_getCursorSpelling(cursor));
    node_at(recorder, node)->flags |= NODE_NAMED;
    node_at(recorder, node)->value = name;
}
