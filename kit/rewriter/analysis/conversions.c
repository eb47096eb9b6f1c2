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
static bool carries_pointer(const struct conversion *it)
{
    return it->from && it->to && !it->constant;
}

static struct type from_type(const struct conversion *it)
{
    return cursor_type(last_expression(it->cursor));
}

/* Whether a `void *`, other than what dlsym gives directly, becomes a pointer that crosses
 * somewhere. */
static bool untyped_pointer_escapes(const struct program *program)
{
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        for (size_t i = 0; i < unit->lookup_count; i++)
            if (!unit->lookups[i].symbol && !unit->lookups[i].data &&
                escapes(program, function_pointer_spelling(unit, unit->lookups[i].target)))
                return true;
    }
    return false;
}

/* A `void *` is one more type that values go by: what is put into it must be gates where what is
 * taken out of it must be. */
void conversions_escape(struct program *program)
{
    for (bool more = true; more;) {
        const bool untyped = untyped_pointer_escapes(program);
        more = false;
        for (size_t u = 0; u < program->unit_count; u++) {
            struct unit *const unit = &program->units[u];
            for (size_t i = 0; i < unit->conversion_count; i++) {
                const struct conversion *const it = &unit->conversions[i];
                const bool from = it->from && escapes(program, it->from),
                           to = it->to ? escapes(program, it->to) : from || untyped;
                if (!it->from || it->constant || from == to)
                    continue;
                escape_add_converted(program, unit, from ? cursor_type(it->cursor) : from_type(it));
                more = true;
            }
        }
    }
}

static struct group *group_of(const struct conversion_groups *groups, const char *type)
{
    struct group *it = map_get(&groups->by_type, key_of(type));
    while (it && it->root != it)
        it = it->root;
    return it;
}

static struct group *add_group(struct conversion_groups *groups, struct unit *unit,
                               const char *spelling, struct type pointer)
{
    if (!map_get(&groups->by_type, key_of(spelling))) {
        struct group *const it = must_alloc(sizeof(*it));
        *it = (struct group){spelling,
                             function_mangled(unit, type_pointee(without_atomic(pointer))), it};
        map_put(&groups->by_type, key_of(spelling), it);
        *PUSH(groups->list, groups->count, groups->capacity) = it;
    }
    return group_of(groups, spelling);
}

void conversions_group(struct program *program)
{
    struct conversion_groups *const groups = program->conversions = must_alloc(sizeof(*groups));
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        for (size_t i = 0; i < unit->conversion_count; i++) {
            const struct conversion *const it = &unit->conversions[i];
            if (!carries_pointer(it) || !escapes(program, it->from))
                continue;
            struct group *const from = add_group(groups, unit, it->from, from_type(it));
            struct group *const to = add_group(groups, unit, it->to, cursor_type(it->cursor));
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

void conversion_check(struct program *program, const struct unit *unit, const struct conversion *it)
{
    if (it->constant || it->from || !escapes(program, it->to))
        return;
    if (written_in_system_header(
            it->cursor)) /* SIG_IGN and the like: the check of a call stops them */
        return;
    const struct lookup *const lookup = it->lookup ? &unit->lookups[it->lookup - 1] : NULL;
    if (lookup && (!lookup->symbol || is_gate_lookup(program, unit, lookup)))
        return; /* a `void *` that comes from a table, say: the check of a call decides */
    refuse_at(it->cursor, intern_format("conversion to %s", it->to),
              intern_format("a value of type %s is not known to be a call gate, and pointers of "
                            "the target type cross the "
                            "boundary",
                            it->from_spelling),
              "keep the pointer in its own function-pointer type from where the function's address "
              "is taken");
}
