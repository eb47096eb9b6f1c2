#include "handed_down.h"

#include "base/intern.h"

struct path {
    struct program *program;
    struct unit *unit;
    flow_take *take;
    bool first; /* the expression is the argument itself */
    bool direct; /* of a call that always crosses */
    bool returned; /* it is what a function returns: which of its callers that was called by is not
                      known */
};

static void hand(const struct path *path, struct cursor value);

static void hand_stored(void *data, struct unit *unit, struct cursor value)
{
    struct path path = *(const struct path *)data;
    path.unit = unit;
    path.first = false;
    hand(&path, value);
}

struct argument {
    const struct path *path;
    unsigned position;
};

static void hand_argument(void *data, struct unit *unit, struct cursor call)
{
    const struct argument *const argument = data;
    hand_stored((void *)argument->path, unit, cursor_argument(call, argument->position));
}

static void hand_parameter(const struct path *path, struct cursor parameter)
{
    struct argument argument = {path, parameter_position(parameter)};
    flow_calls(path->unit, cursor_parent(parameter), hand_argument, &argument);
}

/* False if it was asked for before. */
static bool is_new(const struct path *path, struct cursor declaration)
{
    struct map *const seen = &path->program->flow->handed_down[path->direct][path->returned];
    return map_add(seen, key_of(flow_place(declaration)));
}

/* A pointer that a variable holds all the time. */
static void hand_variable(const struct path *path, struct cursor variable)
{
    const bool parameter = cursor_kind(variable) == CXCursor_ParmDecl;
    if (!is_automatic(variable) || !is_new(path, variable))
        return;
    const size_t stored = flow_stored(path->unit, variable, NULL, NULL);
    if (parameter && (stored == 0 || !path->direct) && !path->returned)
        hand_parameter(path, variable);
    else if (!parameter && stored == 1)
        flow_stored(path->unit, variable, hand_stored, (void *)path);
}

static void hand_result(const struct path *context, struct cursor call)
{
    struct path path = *context;
    const struct cursor function = named_function(first_child(call));
    path.returned = true;
    if (!cursor_is_null(function) && !in_system_header(function) && is_new(&path, function))
        flow_stored(context->unit, function, hand_stored, &path);
}

static void hand_address(const struct path *path, struct cursor lvalue, struct cursor cause)
{
    const struct cursor variable = base_variable(lvalue);
    if (cursor_is_null(variable)) {
        const struct cursor pointer = flow_pointer_to(lvalue);
        if (!cursor_is_null(pointer))
            hand(path, pointer);
    } else if (path->first ||
               (flow_is_variable(variable) && (path->direct || is_automatic(variable)))) {
        path->take(path->program, path->unit, variable, cause);
    }
}

static enum CXChildVisitResult hand_operand(struct cursor child, struct cursor parent, void *data)
{
    const bool condition = cursor_kind(parent) == CXCursor_ConditionalOperator &&
                           cursor_equal(child, first_child(parent));
    if (clang_isExpression(cursor_kind(child)) && !condition)
        hand(data, child);
    return CXChildVisit_Continue;
}

static bool is_sum(struct cursor expression)
{
    if (cursor_kind(expression) != CXCursor_BinaryOperator)
        return false;
    const enum CXBinaryOperatorKind operator= cursor_binary_operator(expression);
    return operator== CXBinaryOperator_Add || operator== CXBinaryOperator_Sub;
}

static void hand(const struct path *path, struct cursor value)
{
    const struct cursor inner = strip_casts(value);
    const enum CXCursorKind kind = cursor_kind(inner);
    if (is_array(expression_type(inner)) && kind != CXCursor_InitListExpr)
        hand_address(path, inner, inner);
    else if (kind == CXCursor_UnaryOperator &&
             cursor_unary_operator(inner) == CXUnaryOperator_AddrOf)
        hand_address(path, first_child(inner), inner);
    else if (kind == CXCursor_BinaryOperator &&
             (cursor_binary_operator(inner) == CXBinaryOperator_Comma ||
              cursor_binary_operator(inner) == CXBinaryOperator_Assign))
        hand(path, last_expression(inner));
    else if (is_sum(inner) || kind == CXCursor_ConditionalOperator)
        cursor_visit(inner, hand_operand, (void *)path);
    else if (kind == CXCursor_CallExpr)
        hand_result(path, inner);
    else if (kind == CXCursor_DeclRefExpr && flow_is_variable(cursor_referenced(inner)))
        hand_variable(path, cursor_referenced(inner));
}

void flow_handed_down(struct program *program, struct unit *unit, struct cursor value, bool direct,
                      flow_take *take)
{
    hand(&(struct path){program, unit, take, true, direct, false}, value);
}
