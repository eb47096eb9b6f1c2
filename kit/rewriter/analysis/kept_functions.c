#include "kept_functions.h"

#include "base/intern.h"
#include "flow_facts.h"
#include "made_facts.h"
#include "tree/program.h"

/* The name of the variable that an lvalue is a part of; else the null cursor, also if it shares its
 * place with other members of a union. */
static struct cursor base_name(struct cursor lvalue)
{
    for (;;) {
        lvalue = strip_implicit(lvalue);
        const struct cursor inner = first_child(lvalue);
        switch (cursor_kind(lvalue)) {
        case CXCursor_DeclRefExpr:
            return lvalue;
        case CXCursor_MemberRefExpr:
            if (cursor_is_null(inner) ||
                type_canonical(cursor_type(inner)).kind == CXType_Pointer ||
                cursor_kind(cursor_parent(cursor_referenced(lvalue))) == CXCursor_UnionDecl)
                return no_cursor();
            break;
        case CXCursor_ArraySubscriptExpr:
            if (cursor_is_null(inner) || !is_array(expression_type(strip_implicit(inner))))
                return no_cursor();
            break;
        default:
            return no_cursor();
        }
        lvalue = inner;
    }
}

/* A variable of this unit alone, that no policy shares. */
static bool may_keep(const struct unit *unit, struct cursor variable)
{
    return cursor_kind(variable) == CXCursor_VarDecl &&
           cursor_linkage(variable) != CXLinkage_External &&
           !plan_is_shared(&unit->program->plan, cursor_name(variable)) &&
           !is_marked_shared(variable);
}

/* This use of a variable lets nothing out. */
static void note_use(struct unit *unit, struct cursor lvalue)
{
    const struct cursor name = base_name(lvalue);
    if (!cursor_is_null(name))
        map_add(&unit->kept_uses, cursor_key(name));
}

struct put {
    struct unit *unit;
    struct cursor variable;
};

static void put(struct unit *unit, struct cursor variable, struct cursor value);

static enum CXChildVisitResult put_element(struct cursor child, struct cursor parent, void *data)
{
    const struct put *const into = data;
    (void)parent;
    if (cursor_kind(child) == CXCursor_UnexposedExpr &&
        !cursor_equal(first_child(child), last_expression(child)))
        child = last_expression(child); /* .member = value, [n] = value */
    if (clang_isExpression(cursor_kind(child)))
        put(into->unit, into->variable, child);
    return CXChildVisit_Continue;
}

static void put(struct unit *unit, struct cursor variable, struct cursor value)
{
    struct cursor inner = strip_casts(value);
    if (cursor_kind(inner) == CXCursor_InitListExpr) {
        cursor_visit(inner, put_element, &(struct put){unit, variable});
        return;
    }
    if (cursor_is_null(named_function(inner)) ||
        !function_pointer_spelling(unit, cursor_type(value)))
        return; /* what becomes a `void *` or a number is not followed */
    while (cursor_kind(inner) == CXCursor_UnaryOperator) /* `&f`, `*f` */
        inner = strip_implicit(first_child(inner));
    map_put(&unit->kept_in, cursor_key(inner), (void *)flow_place(variable));
}

static void note_assignment(struct unit *unit, struct cursor assignment)
{
    const struct cursor target = first_child(assignment), variable = base_variable(target);
    if (cursor_is_null(variable) || !may_keep(unit, variable) || cursor_is_null(base_name(target)))
        return;
    note_use(unit, target);
    put(unit, variable, last_expression(assignment));
}

static void note_call(struct unit *unit, struct cursor call)
{
    struct cursor callee = strip_implicit(first_child(call));
    while (cursor_kind(callee) == CXCursor_UnaryOperator &&
           cursor_unary_operator(callee) == CXUnaryOperator_Deref)
        callee = strip_implicit(first_child(callee));
    note_use(unit, callee);
}

static void note_operator(struct unit *unit, struct cursor cursor, bool is_part)
{
    switch (cursor_binary_operator(cursor)) {
    case CXBinaryOperator_Assign:
        if (!is_part)
            note_assignment(unit, cursor);
        break;
    case CXBinaryOperator_EQ:
    case CXBinaryOperator_NE:
        note_use(unit, first_child(cursor));
        note_use(unit, last_expression(cursor));
        break;
    default:
        break;
    }
}

/* What is not used as above may go anywhere. */
static void note_name(struct unit *unit, struct cursor name)
{
    if (cursor_kind(cursor_referenced(name)) == CXCursor_VarDecl &&
        !map_get(&unit->kept_uses, cursor_key(name)))
        map_add(&unit->let_out, key_of(flow_place(cursor_referenced(name))));
}

void kept_note(struct unit *unit, struct cursor cursor, bool is_part)
{
    switch (cursor_kind(cursor)) {
    case CXCursor_BinaryOperator:
        note_operator(unit, cursor, is_part);
        break;
    case CXCursor_CallExpr:
        note_call(unit, cursor);
        break;
    case CXCursor_MemberRefExpr: /* a name beside the function, say */
        if (!holds_function_pointers(unit, cursor_type(cursor)))
            note_use(unit, cursor);
        break;
    case CXCursor_VarDecl:
        if (may_keep(unit, cursor) && !cursor_is_null(cursor_initializer(cursor)))
            put(unit, cursor, cursor_initializer(cursor));
        break;
    case CXCursor_DeclRefExpr:
        note_name(unit, cursor);
        break;
    default:
        break;
    }
}

bool is_kept(const struct unit *unit, struct cursor reference)
{
    const void *const variable = map_get(&unit->kept_in, cursor_key(reference));
    return variable && !map_get(&unit->let_out, key_of(variable));
}
