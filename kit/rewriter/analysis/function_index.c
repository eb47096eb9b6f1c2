#include "function_index.h"

#include <stdlib.h>

#include "base/intern.h"

static const char *key(const struct unit *unit, const char *name, bool is_static)
{
    return is_static ? intern_format("unit %u %s", unit->plan->id, name)
                     : intern_format("compartment %u %s", unit->plan->compartment, name);
}

struct function_index function_index_make(struct program *program)
{
    struct function_index index = {0};
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        for (size_t f = 0; f < unit->function_count; f++) {
            struct function *const function = &unit->functions[f];
            struct indexed_function *const made = must_alloc(sizeof(*made));
            *made = (struct indexed_function){unit, function};
            map_put(&index.by_name, key_of(key(unit, function->name, function->is_static)), made);
        }
    }
    return index;
}

const struct indexed_function *function_index_find(const struct function_index *index,
                                                   const struct unit *unit, const char *name)
{
    const struct indexed_function *const own =
        map_get(&index->by_name, key_of(key(unit, name, true)));
    return own ? own : map_get(&index->by_name, key_of(key(unit, name, false)));
}

void function_index_free(struct function_index *index)
{
    for (size_t i = 0; i < index->by_name.capacity; i++)
        free(index->by_name.slots[i].value);
    map_free(&index->by_name);
}
