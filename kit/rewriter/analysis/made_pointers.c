#include "made_pointers.h"

#include "escape.h"
#include "made_facts.h"
#include "own_values.h"

struct members {
    struct program *program;
    struct unit *unit;
};

/* What shares its place with others in a union. */
static enum CXVisitorResult add_member(struct cursor field, void *data)
{
    const struct members *const members = data;
    if (holds_function_pointers(members->unit, cursor_type(field)))
        escape_add_made(members->program, members->unit, cursor_type(field), true);
    return CXVisit_Continue;
}

/* Returns whether the value may have come from another compartment. `added`: set of the unit's
 * types that were added, by how they are made. */
static bool add_made(struct program *program, struct unit *unit, const struct made *made,
                     struct map *added)
{
    struct map *const types = &added[made->of];
    if (map_get(types, type_key(type_canonical(made->type))))
        return true;
    if (is_own_value(program, unit, made->value))
        return false;
    map_add(types, type_key(type_canonical(made->type)));
    if (made->of == OF_MEMBERS)
        type_visit_fields(type_canonical(made->type), add_member, &(struct members){program, unit});
    else
        escape_add_made(program, unit, made->type, made->of != OF_POINTER);
    return true;
}

static void add_unmade(struct program *program, struct unit *unit, const bool *found)
{
    struct map added = {0};
    for (size_t i = 0; i < unit->unmade_count; i++) {
        const struct unmade *const unmade = &unit->unmade[i];
        if (found[unmade->into] && map_add(&added, type_key(type_canonical(unmade->type))))
            escape_add_made(program, unit, unmade->type, false);
    }
    map_free(&added);
}

void made_escape(struct program *program)
{
    bool found[MADE_OF_KINDS] = {false};
    if (program->plan.compartment_count < 2)
        return;
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        struct map added[MADE_OF_KINDS] = {{0}};
        for (size_t i = 0; i < unit->made_count; i++)
            if (add_made(program, unit, &unit->made[i], added))
                found[unit->made[i].of] = true;
        for (size_t of = 0; of < MADE_OF_KINDS; of++)
            map_free(&added[of]);
    }
    for (size_t u = 0; u < program->unit_count; u++)
        add_unmade(program, &program->units[u], found);
}
