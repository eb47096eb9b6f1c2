#include "conversions.h"

#include <stdlib.h>

#include "abi/signature.h"
#include "base/intern.h"
#include "escape.h"

/* The types that values are converted between, directly or in steps, have one root. */
struct group {
    const char *type, *abi;
    struct group *root;
};

struct conversion_groups {
    struct map by_type; /* function-pointer spelling -> struct group */
    struct group **list;
    size_t count, capacity;
};

/* Between two function-pointer types; a designator or a constant says itself what it is. */
static bool carries_pointer(const struct conversion *conversion)
{
    return conversion->from && conversion->to && !conversion->constant;
}

static struct type from_type(const struct conversion *conversion)
{
    return cursor_type(last_expression(conversion->cursor));
}

typedef bool escapes_how(const struct program *program, const char *function_pointer);

static bool by_any(const struct program *program, const char *function_pointer)
{
    return escapes(program, function_pointer);
}

static bool by_boundary(const struct program *program, const char *function_pointer)
{
    return escapes_by_boundary(program, function_pointer);
}

/* Whether a `void *`, other than what dlsym gives directly, becomes a pointer that escapes. */
static bool untyped_pointer_escapes(const struct program *program, escapes_how *how)
{
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        for (size_t i = 0; i < unit->lookup_count; i++)
            if (!unit->lookups[i].symbol && !unit->lookups[i].data &&
                how(program, function_pointer_spelling(unit, unit->lookups[i].target)))
                return true;
    }
    return false;
}

/* A `void *` is one more type that values go by: what is put into it must be gates where what is
 * taken out of it must be. */
static void add_converted(struct program *program, escapes_how *how)
{
    for (bool more = true; more;) {
        const bool untyped = untyped_pointer_escapes(program, how);
        more = false;
        for (size_t u = 0; u < program->unit_count; u++) {
            struct unit *const unit = &program->units[u];
            for (size_t i = 0; i < unit->conversion_count; i++) {
                const struct conversion *const conversion = &unit->conversions[i];
                const bool from = conversion->from && how(program, conversion->from),
                           to = conversion->to ? how(program, conversion->to) : from || untyped;
                if (!conversion->from || conversion->constant || from == to)
                    continue;
                const struct type type =
                    from ? cursor_type(conversion->cursor) : from_type(conversion);
                if (how == by_boundary)
                    escape_add_converted(program, unit, type);
                else
                    escape_add_made(program, unit, type, false);
                more = true;
            }
        }
    }
}

/* First what the boundary leads to, so that no more than that counts as crossing. */
void conversions_escape(struct program *program)
{
    add_converted(program, by_boundary);
    add_converted(program, by_any);
}

static struct group *group_of(const struct conversion_groups *groups, const char *type)
{
    struct group *group = map_get(&groups->by_type, key_of(type));
    while (group && group->root != group)
        group = group->root;
    return group;
}

static struct group *add_group(struct conversion_groups *groups, struct unit *unit,
                               const char *spelling, struct type pointer)
{
    if (!map_get(&groups->by_type, key_of(spelling))) {
        struct group *const group = must_alloc(sizeof(*group));
        *group = (struct group){
            spelling, function_mangled(unit, type_pointee(without_atomic(pointer))), group};
        map_put(&groups->by_type, key_of(spelling), group);
        *PUSH(groups->list, groups->count, groups->capacity) = group;
    }
    return group_of(groups, spelling);
}

void conversions_group(struct program *program)
{
    struct conversion_groups *const groups = program->conversions = must_alloc(sizeof(*groups));
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        for (size_t i = 0; i < unit->conversion_count; i++) {
            const struct conversion *const conversion = &unit->conversions[i];
            if (!carries_pointer(conversion) || !escapes(program, conversion->from))
                continue;
            struct group *const from =
                add_group(groups, unit, conversion->from, from_type(conversion));
            struct group *const to =
                add_group(groups, unit, conversion->to, cursor_type(conversion->cursor));
            from->root = to;
        }
    }
}

bool conversions_reach_abi(const struct conversion_groups *groups, const char *type,
                           const char *abi)
{
    const struct group *const root = group_of(groups, type);
    for (size_t i = 0; root && i < groups->count; i++)
        if (groups->list[i]->abi == abi && group_of(groups, groups->list[i]->type) == root)
            return true;
    return false;
}

bool conversions_reach(const struct conversion_groups *groups, const char *type, const char *other)
{
    const struct group *const root = group_of(groups, type);
    return root && root == group_of(groups, other);
}

void conversion_check(struct program *program, const struct unit *unit,
                      const struct conversion *conversion)
{
    if (conversion->constant || conversion->from || !escapes_by_boundary(program, conversion->to))
        return; /* of what does not cross by itself the check of the call decides */
    if (written_in_system_header(
            conversion->cursor)) /* SIG_IGN and the like: the check of a call stops them */
        return;
    const struct lookup *const lookup =
        conversion->lookup ? &unit->lookups[conversion->lookup - 1] : NULL;
    if (lookup && (!lookup->symbol || is_gate_lookup(program, unit, lookup)))
        return; /* a `void *` that comes from a table, say: the check of a call decides */
    refuse_at(conversion->cursor, intern_format("conversion to %s", conversion->to),
              intern_format("a value of type %s is not known to be a call gate, and pointers of "
                            "the target type cross the "
                            "boundary",
                            conversion->from_spelling),
              "keep the pointer in its own function-pointer type from where the function's address "
              "is taken");
}
