#include "record_places.h"

#include <stdlib.h>
#include <string.h>

/* libclang numbers the tokens of all files in a row, each time that one is included, and those that
 * macros make from here on. That is its own affair, but to ask it for the file and offset of each
 * node takes as long as everything else together. */
#define MACRO_BIT 0x80000000u

bool record_is_macro(CXSourceLocation location)
{
    return location.int_data & MACRO_BIT;
}

static bool in_mirror(CXString name)
{
    const char *const path = clang_getCString(name);
    const bool found = path && *path == '/' && source_in_mirror(path);
    clang_disposeString(name);
    return found;
}

/* Whether a file is the project's. A header that the project takes for a system header (-isystem,
 * #pragma GCC system_header, all that CMake precompiles) is its own all the same: it has to be
 * rewritten. */
static bool of_project(struct recorder *recorder, CXFile file)
{
    CXFileUniqueID id;
    if (clang_getFileUniqueID(file, &id))
        return false;
    if (memcmp(&id, &recorder->asked_file, sizeof(id))) {
        recorder->asked_file = id;
        recorder->asked_is_project =
            in_mirror(clang_getFileName(file)) || in_mirror(clang_File_tryGetRealPathName(file));
    }
    return recorder->asked_is_project;
}

bool record_is_system(struct recorder *recorder, CXSourceLocation location)
{
    CXFile file;
    if (!clang_Location_isInSystemHeader(location))
        return false;
    clang_getExpansionLocation(location, &file, NULL, NULL, NULL);
    return !file || !of_project(recorder, file);
}

static uint32_t record_file(struct recorder *recorder, CXFile file)
{
    uint32_t known = file ? (uint32_t)(uintptr_t)map_get(&recorder->files, key_of(file)) : 0;
    if (known || !file)
        return known;
    size_t size = 0;
    const char *const text = clang_getFileContents(recorder->tu, file, &size);
    const struct tree_file *const last =
        file_at(recorder, (uint32_t)recorder->tables[TREE_FILES].count - 1);
    CXString name = clang_getFileName(file);
    const char *const path = clang_getCString(name);
    const struct source *const source =
        path ? source_read(compdb_path(recorder->unit->command, path)) : NULL;
    recorder->changed |= !text || !source || source->size != size ||
                         memcmp(text, source->text, size) || size >= MACRO_LOCATION;
    struct tree_file made = {.name = record_string(recorder, name),
                             .real_name =
                                 record_string(recorder, clang_File_tryGetRealPathName(file)),
                             .base = last->base + last->size + 1,
                             .size = (uint32_t)size,
                             .hash = source ? source->hash : 0,
                             .resolved = source ? record_name(recorder, source->path) : 0};
    made.system = record_is_system(
        recorder, clang_getLocationForOffset(recorder->tu, file, size ? (unsigned)size - 1 : 0));
    known = record_add(recorder, TREE_FILES, &made);
    map_put(&recorder->files, key_of(file), (void *)(uintptr_t)known);
    return known;
}

/* A token that no macro makes. */
static uint32_t in_file(struct recorder *recorder, CXSourceLocation location)
{
    const uint32_t raw = location.int_data;
    const struct record_range *range =
        recorder->range_count ? &recorder->ranges[recorder->last_range] : NULL;
    if (!range || raw < range->begin || raw > range->end) {
        size_t low = 0,
               high = recorder->range_count; /* the first range that begins after the token */
        while (low < high) {
            const size_t middle = low + (high - low) / 2;
            if (recorder->ranges[middle].begin <= raw)
                low = middle + 1;
            else
                high = middle;
        }
        if (!low || raw > recorder->ranges[low - 1].end) {
            CXFile file;
            unsigned offset;
            clang_getSpellingLocation(location, &file, NULL, NULL, &offset);
            const uint32_t id = record_file(recorder, file);
            if (!id)
                return 0;
            PUSH(recorder->ranges, recorder->range_count, recorder->range_capacity);
            memmove(&recorder->ranges[low + 1], &recorder->ranges[low],
                    (recorder->range_count - low - 1) * sizeof(*recorder->ranges));
            recorder->ranges[low++] =
                (struct record_range){raw - offset, raw - offset + file_at(recorder, id)->size, id};
        }
        recorder->last_range = low - 1;
        range = &recorder->ranges[low - 1];
    }
    return file_at(recorder, range->file)->base + raw - range->begin;
}

static uint32_t in_macro(struct recorder *recorder, CXSourceLocation location)
{
    const uint64_t key = location.int_data;
    const uint32_t known = (uint32_t)(uintptr_t)map_get(&recorder->macro_places, key);
    if (known)
        return known | MACRO_LOCATION;
    CXFile spelling, seen, expansion;
    struct tree_place place = {0};
    clang_getSpellingLocation(location, &spelling, NULL, NULL, &place.spelling_offset);
    clang_getFileLocation(location, &seen, NULL, NULL, &place.seen_offset);
    clang_getExpansionLocation(location, &expansion, NULL, NULL, &place.expansion_offset);
    place.spelling_file =
        record_file(recorder, spelling); /* none if ## has put the token together */
    place.seen_file = record_file(recorder, seen);
    place.expansion_file = record_file(recorder, expansion);
    if (!place.spelling_file)
        place.spelling_offset = 0;
    place.spelled_in_system_header = file_at(recorder, place.spelling_file)->system;
    const uint32_t made = record_add(recorder, TREE_PLACES, &place);
    map_put(&recorder->macro_places, key, (void *)(uintptr_t)made);
    return made | MACRO_LOCATION;
}

uint32_t record_location(struct recorder *recorder, CXSourceLocation location)
{
    return !location.int_data          ? 0
           : record_is_macro(location) ? in_macro(recorder, location)
                                       : in_file(recorder, location);
}

uint32_t record_extent(struct recorder *recorder, CXCursor cursor)
{
    const CXSourceRange range = clang_getCursorExtent(cursor);
    const struct tree_extent extent = {record_location(recorder, clang_getRangeStart(range)),
                                       record_location(recorder, clang_getRangeEnd(range))};
    return record_add(recorder, TREE_EXTENTS, &extent);
}

static void add_inclusion(CXFile file, CXSourceLocation *stack, unsigned depth, CXClientData data)
{
    struct recorder *const recorder = data;
    const struct tree_inclusion inclusion = {record_file(recorder, file), depth,
                                             depth ? record_location(recorder, stack[0]) : 0};
    record_add(recorder, TREE_INCLUSIONS, &inclusion);
}

void record_inclusions(struct recorder *recorder)
{
    clang_getInclusions(recorder->tu, add_inclusion, recorder);
}
