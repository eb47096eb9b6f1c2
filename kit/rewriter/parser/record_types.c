#include "record_types.h"

static uint32_t add_type(struct recorder *it, CXType type, const struct tree_type *entry)
{
    size_t count = it->tables[TREE_TYPES].count;
    PUSH(it->recorded_types, count, it->recorded_capacity)->clang = type;
    return record_add(it, TREE_TYPES, entry);
}

void record_no_type(struct recorder *it)
{
    add_type(it, (CXType){.kind = CXType_Invalid}, &tree_no_type);
    it->filled = 1;
}

void record_note_value(struct recorder *it, uint32_t type)
{
    const uint32_t canonical = type_entry(it, type)->canonical;
    if (!canonical || it->recorded_types[canonical].by_value)
        return;
    it->recorded_types[canonical].by_value = true;
    *PUSH(it->values, it->value_count, it->value_capacity) = canonical;
}

uint32_t record_type(struct recorder *it, CXType type, bool value)
{
    if (type.kind == CXType_Invalid || !type.data[0])
        return 0;
    uint32_t at = (uint32_t)(uintptr_t)map_get(&it->types, key_of(type.data[0]));
    if (!at) {
        const struct tree_type made = {
            .kind = (uint16_t)type.kind, .size = -1, .align = -1, .count = -1};
        at = add_type(it, type, &made);
        map_put(&it->types, key_of(type.data[0]), (void *)(uintptr_t)at);
        const CXType canonical = clang_getCanonicalType(type);
        const uint32_t canonical_at =
            canonical.data[0] == type.data[0] ? at : record_type(it, canonical, false);
        type_entry(it, at)->canonical = canonical_at;
    }
    if (value)
        record_note_value(it, at);
    return at;
}

uint32_t record_type_text(struct recorder *it, CXType type)
{
    const uint32_t at = record_type(it, type, false);
    if (at && !type_entry(it, at)->text)
        type_entry(it, at)->text = record_string(it, clang_getTypeSpelling(type));
    return at;
}
