#include "allocating.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"

/* What the runtime's compartment/heap and compartment/libc/allocating_calls.c take over. */
static const char *const allocators[] = {
    "malloc",        "calloc",   "realloc",    "reallocarray",   "posix_memalign",
    "aligned_alloc", "memalign", "valloc",     "pvalloc",        "strdup",
    "strndup",       "asprintf", "vasprintf",  "__asprintf_chk", "__vasprintf_chk",
    "getline",       "getdelim", "__getdelim",
};

static bool is_allocator(const char *name)
{
    const char *const builtin = "__builtin_";
    if (!strncmp(name, builtin, strlen(builtin)))
        name += strlen(builtin);
    for (size_t i = 0; i < sizeof(allocators) / sizeof(*allocators); i++)
        if (!strcmp(name, allocators[i]))
            return true;
    return false;
}

struct search {
    const struct function_index *index;
    struct unit *unit;
    struct allocating *found;
    struct map seen;
    struct indexed_function *queue;
    size_t count, capacity;
};

static void reach(struct search *search, struct unit *unit, const char *name)
{
    const struct indexed_function *const next = function_index_find(search->index, unit, name);
    if (next) {
        if (map_add(&search->seen, key_of(next->function)))
            *PUSH(search->queue, search->count, search->capacity) = *next;
        return;
    }
    const struct import *const import = plan_import(&unit->program->plan, name);
    if (is_allocator(name))
        search->found->own = true;
    else if (import && import->owner != unit->plan->compartment)
        search->found->crossing = name;
    else
        search->found->outside = true;
}

static void reach_from(struct search *search, struct unit *unit, const struct function *function)
{
    search->found->own |= function->calls_pointer;
    for (size_t i = 0; i < function->reference_count; i++)
        reach(search, unit, function->references[i]);
}

static void finish(struct search *search)
{
    for (size_t i = 0; i < search->count && !search->found->own; i++) {
        const struct indexed_function next = search->queue[i];
        reach_from(search, next.unit, next.function);
    }
    free(search->queue);
    map_free(&search->seen);
}

void allocating_function(const struct function_index *index, struct unit *unit,
                         const struct function *function, struct allocating *found)
{
    struct search search = {.index = index, .unit = unit, .found = found};
    reach_from(&search, unit, function);
    finish(&search);
}

static enum CXChildVisitResult on_value(struct cursor cursor, struct cursor parent, void *data)
{
    struct search *const search = data;
    (void)parent;
    if (cursor_kind(cursor) == CXCursor_CallExpr) {
        const struct cursor callee = first_child(cursor);
        search->found->own |= !cursor_is_null(callee) && cursor_is_null(named_function(callee));
    } else if (cursor_kind(cursor) == CXCursor_DeclRefExpr) {
        const struct cursor function = cursor_referenced(cursor);
        if (cursor_kind(function) == CXCursor_FunctionDecl)
            reach(search, search->unit, cursor_name(function));
    }
    return CXChildVisit_Recurse;
}

void allocating_value(const struct function_index *index, struct unit *unit, struct cursor value,
                      struct allocating *found)
{
    struct search search = {.index = index, .unit = unit, .found = found};
    on_value(value, no_cursor(), &search);
    cursor_visit(value, on_value, &search);
    finish(&search);
}
