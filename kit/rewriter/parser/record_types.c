#include "record_types.h"

static uint32_t add_type(struct recorder *recorder, CXType type, const struct tree_type *entry)
{
    size_t count = recorder->tables[TREE_TYPES].count;
    PUSH(recorder->recorded_types, count, recorder->recorded_capacity)->clang = type;
    return record_add(recorder, TREE_TYPES, entry);
}

void record_no_type(struct recorder *recorder)
{
    add_type(recorder, (CXType){.kind = CXType_Invalid}, &tree_no_type);
    recorder->filled = 1;
}

void record_note_value(struct recorder *recorder, uint32_t type)
{
    const uint32_t canonical = type_entry(recorder, type)->canonical;
    if (!canonical || recorder->recorded_types[canonical].by_value)
        return;
    recorder->recorded_types[canonical].by_value = true;
    *PUSH(recorder->values, recorder->value_count, recorder->value_capacity) = canonical;
}

uint32_t record_type(struct recorder *recorder, CXType type, bool value)
{
    if (type.kind == CXType_Invalid || !type.data[0])
        return 0;
    uint32_t at = (uint32_t)(uintptr_t)map_get(&recorder->types, key_of(type.data[0]));
    if (!at) {
        const struct tree_type made = {
            .kind = (uint16_t)type.kind, .size = -1, .align = -1, .count = -1};
        at = add_type(recorder, type, &made);
        map_put(&recorder->types, key_of(type.data[0]), (void *)(uintptr_t)at);
        const CXType canonical = clang_getCanonicalType(type);
        const uint32_t canonical_at =
            canonical.data[0] == type.data[0] ? at : record_type(recorder, canonical, false);
        type_entry(recorder, at)->canonical = canonical_at;
    }
    if (value)
        record_note_value(recorder, at);
    return at;
}

uint32_t record_type_text(struct recorder *recorder, CXType type)
{
    const uint32_t at = record_type(recorder, type, false);
    if (at && !type_entry(recorder, at)->text)
        type_entry(recorder, at)->text = record_string(recorder, clang_getTypeSpelling(type));
    return at;
}
