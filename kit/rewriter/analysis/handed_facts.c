#include "handed_facts.h"

#include <string.h>

#include "base/intern.h"
#include "made_facts.h"

static void note(struct unit *unit, struct handed handed)
{
    if (!cursor_is_null(handed.value))
        *PUSH(unit->handed, unit->handed_count, unit->handed_capacity) = handed;
}

/* What the compiler makes itself of a call; none of these calls its arguments. */
static bool is_builtin(const char *name)
{
    return !strncmp(name, "__builtin_", 10) || !strncmp(name, "__sync_", 7) ||
           !strncmp(name, "__atomic_", 9) || !strncmp(name, "__c11_atomic_", 13);
}

/* A function pointer before or after the conversions to the parameter's type. */
static bool is_function_pointer(struct unit *unit, struct cursor value, struct type receiver)
{
    return function_pointer_spelling(unit, receiver) ||
           function_pointer_spelling(unit, expression_type(strip_implicit(value)));
}

static struct type record_of(struct type type)
{
    type = type_canonical(type);
    while (type.kind == CXType_Pointer)
        type = type_canonical(type_pointee(type));
    return type;
}

static void note_call(struct unit *unit, struct cursor call)
{
    const struct cursor function = named_function(first_child(call));
    if (cursor_is_null(function) || is_builtin(cursor_name(function)))
        return;
    const struct type type = type_canonical(cursor_type(function));
    const int count = cursor_argument_count(call),
              fixed = type.kind == CXType_FunctionProto ? type_argument_count(type) : 0;
    for (int i = 0; i < count; i++) {
        const struct cursor value = cursor_argument(call, (unsigned)i);
        const struct type receiver =
            i < fixed ? type_argument(type, (unsigned)i) : cursor_type(value);
        if (is_function_pointer(unit, value, receiver) ||
            (in_system_header(function) && record_of(receiver).kind == CXType_Record))
            note(unit, (struct handed){value, function, call, receiver, (unsigned)i});
    }
}

static bool is_systems(struct cursor declaration)
{
    return !cursor_is_null(declaration) && cursor_kind(declaration) != CXCursor_NoDeclFound &&
           in_system_header(declaration);
}

static void note_stored(struct unit *unit, struct cursor value, struct type receiver)
{
    if (!cursor_is_null(value) && is_function_pointer(unit, value, receiver))
        note(unit, (struct handed){.value = value, .type = receiver});
}

static void note_assignment(struct unit *unit, struct cursor assignment)
{
    const struct cursor target = strip_implicit(first_child(assignment));
    if (cursor_binary_operator(assignment) == CXBinaryOperator_Assign &&
        cursor_kind(target) == CXCursor_MemberRefExpr && is_systems(cursor_referenced(target)))
        note_stored(unit, last_expression(assignment), cursor_type(target));
}

static enum CXChildVisitResult note_element(struct cursor child, struct cursor parent, void *data)
{
    struct cursor value = child;
    (void)parent;
    if (cursor_kind(child) == CXCursor_UnexposedExpr &&
        cursor_kind(first_child(child)) == CXCursor_MemberRef)
        value = last_expression(child); /* .member = value */
    if (clang_isExpression(cursor_kind(value)))
        note_stored(data, value, cursor_type(value));
    return CXChildVisit_Continue;
}

void handed_note(struct unit *unit, struct cursor cursor)
{
    switch (cursor_kind(cursor)) {
    case CXCursor_CallExpr:
        note_call(unit, cursor);
        break;
    case CXCursor_BinaryOperator:
        note_assignment(unit, cursor);
        break;
    case CXCursor_InitListExpr:
        if (is_systems(type_declaration(type_canonical(cursor_type(cursor)))))
            cursor_visit(cursor, note_element, unit);
        break;
    case CXCursor_VarDecl: /* of a macro, as pthread_cleanup_push declares one */
        if (written_in_system_header(cursor))
            note_stored(unit, cursor_initializer(cursor), cursor_type(cursor));
        break;
    default:
        break;
    }
}
