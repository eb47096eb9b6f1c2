#include "made_lists.h"

#include "abi/signature.h"
#include "base/intern.h"
#include "escape.h"
#include "flow.h"

struct lists {
    struct map seen; /* set of parameters */
    unsigned position; /* of the parameter whose callers are visited */
    bool own;
};

static void visit_list(struct lists *lists, struct unit *unit, struct cursor list);

static void on_call(void *data, struct unit *unit, struct cursor call)
{
    struct lists *const lists = data;
    const unsigned position = lists->position;
    visit_list(lists, unit, cursor_argument(call, position));
    lists->position = position;
}

/* Whether each call through the function's address is a boundary call, which asks for the grants.
 */
static bool is_called_by_gates(const struct unit *unit, struct cursor function)
{
    const struct program *const program = unit->program;
    for (size_t u = 0; u < program->unit_count; u++) {
        const struct unit *const other = &program->units[u];
        for (size_t d = 0; d < other->designator_count; d++) {
            const struct designator *const designator = &other->designators[d];
            if (other->plan->compartment != unit->plan->compartment || designator->callee ||
                designator->compared || flow_place(designator->function) != flow_place(function))
                continue;
            for (size_t i = 0; i < 4; i++)
                if (designator->types[i] && !escapes_by_boundary(program, designator->types[i]))
                    return false;
        }
    }
    return true;
}

static void visit_list(struct lists *lists, struct unit *unit, struct cursor list)
{
    const struct cursor expression = strip_implicit(list);
    const struct cursor parameter = cursor_kind(expression) == CXCursor_DeclRefExpr
                                        ? cursor_referenced(expression)
                                        : no_cursor();
    if (cursor_is_null(parameter) || cursor_kind(parameter) != CXCursor_ParmDecl ||
        parameter_position(parameter) == NO_POSITION) {
        lists->own = true;
        return;
    }
    if (!map_add(&lists->seen, cursor_key(parameter)))
        return;
    const struct cursor function = cursor_parent(parameter);
    lists->own |= is_variadic(cursor_type(function)) || !is_called_by_gates(unit, function);
    lists->position = parameter_position(parameter);
    flow_calls(unit, function, on_call, lists);
}

bool list_is_own(struct unit *unit, struct cursor list)
{
    struct lists lists = {0};
    visit_list(&lists, unit, list);
    map_free(&lists.seen);
    return lists.own;
}
