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

/* Returns whether the value may have come from another compartment. */
static bool add_made(struct program *program, struct unit *unit, const struct made *made)
{
    if (is_own_value(program, unit, made->value))
        return false;
    if (made->of == OF_MEMBERS)
        type_visit_fields(type_canonical(made->type), add_member, &(struct members){program, unit});
    else
        escape_add_made(program, unit, made->type, made->of != OF_POINTER);
    return true;
}

void made_escape(struct program *program)
{
    bool found[MADE_OF_KINDS] = {false};
    if (program->plan.compartment_count < 2)
        return;
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        for (size_t i = 0; i < unit->made_count; i++)
            if (add_made(program, unit, &unit->made[i]))
                found[unit->made[i].of] = true;
    }
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        for (size_t i = 0; i < unit->unmade_count; i++)
            if (found[unit->unmade[i].into])
                escape_add_made(program, unit, unit->unmade[i].type, false);
    }
}
