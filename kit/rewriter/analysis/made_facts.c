#include "made_facts.h"

#include <string.h>

#include "base/intern.h"

static bool is_integer(struct type type)
{
    const enum CXTypeKind kind = type_canonical(type).kind;
    return kind == CXType_Enum || (kind > CXType_Bool && kind <= CXType_Int128);
}

static bool is_data_pointer(struct type type)
{
    type = type_canonical(type);
    return type.kind == CXType_Pointer && !is_function(type_pointee(type));
}

struct holding {
    struct unit *unit;
    bool found;
};

static enum CXVisitorResult look_into(struct cursor field, void *data)
{
    struct holding *const holding = data;
    holding->found = holding->found || holds_function_pointers(holding->unit, cursor_type(field));
    return holding->found ? CXVisit_Break : CXVisit_Continue;
}

bool holds_function_pointers(struct unit *unit, struct type type)
{
    type = without_atomic(type);
    while (is_array(type))
        type = without_atomic(type_element(type));
    struct holding holding = {unit, function_pointer_spelling(unit, type) != NULL};
    if (type.kind == CXType_Record && type_size(type) >= 0)
        type_visit_fields(type, look_into, &holding);
    return holding.found;
}

/* Whether it is a pointer to what holds function pointers. */
static bool leads_to_function_pointers(struct unit *unit, struct type type)
{
    return is_data_pointer(type) &&
           holds_function_pointers(unit, type_pointee(type_canonical(type)));
}

static void note(struct unit *unit, enum made_of of, struct type type, struct cursor value)
{
    *PUSH(unit->made, unit->made_count, unit->made_capacity) = (struct made){of, type, value};
}

static void note_unmade(struct unit *unit, enum made_of into, struct type type)
{
    *PUSH(unit->unmade, unit->unmade_count, unit->unmade_capacity) = (struct unmade){into, type};
}

static void note_conversion(struct unit *unit, struct cursor cursor)
{
    const struct cursor inner = last_expression(cursor);
    if (cursor_is_null(inner) || atomic_operands(cursor, NULL))
        return;
    const struct type to = cursor_type(cursor), from = cursor_type(inner);
    const bool function = function_pointer_spelling(unit, to) != NULL;
    if (function_pointer_spelling(unit, from)) {
        if (is_data_pointer(to))
            note_unmade(unit, OF_POINTER, from);
        else if (is_integer(to) && type_size(to) >= type_size(from))
            note_unmade(unit, OF_INTEGER, from);
    } else if (function && is_data_pointer(from)) {
        note(unit, OF_POINTER, to, inner);
    } else if (function && is_integer(from)) {
        note(unit, OF_INTEGER, to, inner);
    } else if (leads_to_function_pointers(unit, to) &&
               is_integer(cursor_type(strip_casts(inner)))) {
        note(unit, OF_INTEGER, to, inner);
    }
}

/* Functions that copy bytes: the positions of where to and where from. */
static bool copies_bytes(const char *name, unsigned *to, unsigned *from)
{
    static const char *const names[] = {"memcpy", "memmove", "mempcpy", "memccpy", "bcopy"};
    if (!strncmp(name, "__builtin_", 10))
        name += 10;
    name += strspn(name, "_");
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const size_t length = strlen(names[i]);
        if (strncmp(name, names[i], length) || (name[length] && strcmp(name + length, "_chk")))
            continue;
        *to = names[i][0] == 'b';
        *from = !*to;
        return true;
    }
    return false;
}

/* What an argument points to, before the conversion to `void *`. */
static struct type pointee_as_written(struct cursor argument)
{
    const struct type type = type_canonical(expression_type(strip_casts(argument)));
    if (is_array(type))
        return type_element(type);
    return type.kind == CXType_Pointer ? type_pointee(type) : type;
}

static void note_copy(struct unit *unit, struct cursor call)
{
    const struct cursor function = named_function(first_child(call));
    unsigned to, from;
    if (cursor_is_null(function) || !in_system_header(function) ||
        !copies_bytes(cursor_name(function), &to, &from) || cursor_argument_count(call) < 3)
        return;
    const struct cursor source = cursor_argument(call, from);
    const struct type target_type = pointee_as_written(cursor_argument(call, to)),
                      source_type = pointee_as_written(source);
    if (type_spelling(unit, target_type) == type_spelling(unit, source_type))
        return; /* as an assignment does */
    if (holds_function_pointers(unit, target_type))
        note(unit, OF_BYTES, target_type, source);
    if (holds_function_pointers(unit, source_type))
        note_unmade(unit, OF_BYTES, source_type);
}

/* A member of one of the project's unions that is, or holds, function pointers. */
static void note_member(struct unit *unit, struct cursor expression)
{
    const struct cursor field = cursor_referenced(expression), object = first_child(expression);
    if (cursor_kind(field) != CXCursor_FieldDecl || cursor_is_null(object))
        return;
    const struct cursor record = cursor_parent(field);
    if (cursor_kind(record) == CXCursor_UnionDecl && !in_system_header(record) &&
        holds_function_pointers(unit, cursor_type(expression)))
        note(unit, OF_MEMBERS, cursor_type(record), object);
}

void made_note(struct unit *unit, struct cursor cursor)
{
    switch (cursor_kind(cursor)) {
    case CXCursor_UnexposedExpr:
    case CXCursor_CStyleCastExpr:
        note_conversion(unit, cursor);
        break;
    case CXCursor_CallExpr:
        note_copy(unit, cursor);
        break;
    case CXCursor_MemberRefExpr:
        note_member(unit, cursor);
        break;
    default:
        break;
    }
}
