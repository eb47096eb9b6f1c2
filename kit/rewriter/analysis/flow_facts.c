#include "flow_facts.h"

#include "base/intern.h"

const void *flow_place(struct cursor declaration)
{
    const enum CXLinkageKind linkage = cursor_linkage(declaration);
    if (linkage == CXLinkage_External || linkage == CXLinkage_UniqueExternal)
        return cursor_name(declaration);
    return (const void *)(uintptr_t)cursor_key(cursor_canonical(declaration));
}

bool flow_holds_addresses(struct type type)
{
    type = without_atomic(type);
    while (is_array(type))
        type = without_atomic(type_element(type));
    return type.kind == CXType_Pointer || type.kind == CXType_Record;
}

bool flow_is_variable(struct cursor cursor)
{
    const enum CXCursorKind kind = cursor_kind(cursor);
    return kind == CXCursor_VarDecl || kind == CXCursor_ParmDecl;
}

const char *flow_pointer_type(struct unit *unit, struct type function)
{
    return intern_format("*%s", type_spelling(unit, function));
}

const char *flow_called_type(struct unit *unit, struct cursor call)
{
    struct type type = without_atomic(expression_type(first_child(call)));
    if (type.kind == CXType_Pointer)
        type = type_pointee(type);
    return is_function(type) ? flow_pointer_type(unit, type) : NULL;
}

struct cursor flow_pointer_to(struct cursor lvalue)
{
    for (;;) {
        lvalue = strip_implicit(lvalue);
        const struct cursor inner = first_child(lvalue);
        const enum CXCursorKind kind = cursor_kind(lvalue);
        if (cursor_is_null(inner))
            return inner;
        if (kind == CXCursor_UnaryOperator)
            return cursor_unary_operator(lvalue) == CXUnaryOperator_Deref ? inner : no_cursor();
        if (kind != CXCursor_MemberRefExpr && kind != CXCursor_ArraySubscriptExpr)
            return no_cursor();
        if (kind == CXCursor_MemberRefExpr
                ? type_canonical(cursor_type(inner)).kind == CXType_Pointer
                : !is_array(expression_type(strip_implicit(inner))))
            return inner;
        lvalue = inner;
    }
}

static void note(struct unit *unit, const void *place, struct type type, struct cursor value)
{
    if (!cursor_is_null(value))
        *PUSH(unit->flows, unit->flow_count, unit->flow_capacity) =
            (struct flow){place, type, value};
}

/* `value` is stored in the object at `address`. */
static void note_through(struct unit *unit, struct cursor address, struct type type,
                         struct cursor value)
{
    const struct cursor object = operand_of_address(address);
    const struct cursor target = cursor_is_null(object) ? object : base_variable(object);
    note(unit, flow_is_variable(target) ? flow_place(target) : NULL, type, value);
}

/* Values are stored, and what lies where other operands point is stored, or is where what was
 * stored goes. */
static void note_atomic(struct unit *unit, const struct cursor *operands, unsigned count)
{
    const struct type object =
        without_atomic(type_pointee(type_canonical(cursor_type(operands[0]))));
    if (!flow_holds_addresses(object))
        return;
    for (unsigned i = 1; i < count; i++)
        if (is_atomic_value(operands[i], operands[0])) {
            note_through(unit, operands[0], object, operands[i]);
        } else if (type_canonical(cursor_type(operands[i])).kind == CXType_Pointer) {
            note_through(unit, operands[0], object, operand_of_address(operands[i]));
            note_through(unit, operands[i], object, operand_of_address(operands[0]));
        }
}

static void note_call(struct unit *unit, struct cursor call)
{
    const struct cursor target = named_function(first_child(call));
    const void *function = NULL;
    if (cursor_is_null(target))
        function = flow_called_type(unit, call);
    else if (!in_system_header(target))
        function = flow_place(target);
    if (function)
        *PUSH(unit->any_calls, unit->any_call_count, unit->any_call_capacity) =
            (struct any_call){function, call};
}

void flow_note(struct unit *unit, struct cursor cursor, struct cursor function)
{
    struct cursor operands[ATOMIC_OPERANDS];
    const unsigned count = atomic_operands(cursor, operands);
    if (count)
        note_atomic(unit, operands, count);
    struct type type;
    struct cursor target;
    switch (cursor_kind(cursor)) {
    case CXCursor_VarDecl:
        type = cursor_type(cursor);
        if (flow_holds_addresses(type))
            note(unit, flow_place(cursor), type, cursor_initializer(cursor));
        break;
    case CXCursor_BinaryOperator:
        type = cursor_type(cursor);
        if (cursor_binary_operator(cursor) != CXBinaryOperator_Assign ||
            !flow_holds_addresses(type))
            break;
        target = base_variable(first_child(cursor));
        note(unit, flow_is_variable(target) ? flow_place(target) : NULL, type,
             last_expression(cursor));
        break;
    case CXCursor_ReturnStmt:
        if (!cursor_is_null(function) && flow_holds_addresses(cursor_result_type(function)))
            note(unit, flow_place(function), cursor_result_type(function), first_child(cursor));
        break;
    case CXCursor_CallExpr:
        note_call(unit, cursor);
        break;
    default:
        break;
    }
}
