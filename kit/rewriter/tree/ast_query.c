#include "ast_query.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/intern.h"
#include "unit.h"

static bool same_place(struct unit *unit, struct spot a, struct spot b)
{
    return a.offset == b.offset &&
           (a.file == b.file || unit_source(unit, a.file) == unit_source(unit, b.file));
}

struct place place_of(struct unit *unit, struct location location)
{
    const struct spots at = location_spots(location);
    struct place place = {0};
    if (!at.spelling.file)
        return place;
    place.source = unit_source(unit, at.spelling.file);
    /* The first token of a continued line begins with the backslash of the line before, as clang
     * sees it. */
    place.offset = place.source && place.source->text[at.spelling.offset] == '\\'
                       ? source_skip_blank(place.source, at.spelling.offset)
                       : at.spelling.offset;
    if (at.in_macro && !same_place(unit, at.spelling, at.expansion))
        place.kind =
            at.seen.file && same_place(unit, at.spelling, at.seen) ? PLACE_ARG : PLACE_BODY;
    return place;
}

struct place place_in_file(struct unit *unit, struct location location)
{
    const struct spot seen = location_spots(location).seen;
    return (struct place){unit_source(unit, seen.file), seen.offset, PLACE_FILE};
}

void seen_range(struct cursor cursor, unsigned *begin, unsigned *end)
{
    *begin = location_spots(cursor_begin(cursor)).seen.offset;
    *end = location_spots(cursor_end(cursor)).seen.offset;
}

void cursor_position(struct cursor cursor, const char **file, unsigned *line, unsigned *column)
{
    const struct spot seen = location_spots(cursor_location(cursor)).seen;
    const char *path = seen.file ? tree_file_real_name(cursor.tree, seen.file) : "";
    if (seen.file && !*path)
        path = tree_file_name(cursor.tree, seen.file);
    struct source *const source = *path ? source_get(path) : NULL;
    *file = source ? source->shown : *path ? path : "(no file)";
    *line = *column = 0;
    if (source)
        source_position(source, seen.offset, line, column);
}

void refuse_at(struct cursor cursor, const char *construct, const char *reason, const char *remedy)
{
    const char *file;
    unsigned line, column;
    cursor_position(cursor, &file, &line, &column);
    diag_refuse(file, line, column, construct, reason, remedy);
}

bool written_in_system_header(struct cursor cursor)
{
    return location_spelled_in_system_header(cursor_location(cursor));
}

static enum CXChildVisitResult take_first(struct cursor child, struct cursor parent, void *data)
{
    (void)parent;
    *(struct cursor *)data = child;
    return CXChildVisit_Break;
}

struct cursor first_child(struct cursor cursor)
{
    struct cursor child = no_cursor();
    cursor_visit(cursor, take_first, &child);
    return child;
}

static enum CXChildVisitResult take_expression(struct cursor child, struct cursor parent,
                                               void *data)
{
    (void)parent;
    if (clang_isExpression(cursor_kind(child)))
        *(struct cursor *)data = child;
    return CXChildVisit_Continue;
}

struct cursor last_expression(struct cursor cursor)
{
    struct cursor child = no_cursor();
    cursor_visit(cursor, take_expression, &child);
    return child;
}

struct operands {
    struct cursor *list;
    unsigned count;
};

static enum CXChildVisitResult take_operand(struct cursor child, struct cursor parent, void *data)
{
    struct operands *const operands = data;
    (void)parent;
    if (clang_isExpression(cursor_kind(child)) && operands->count < ATOMIC_OPERANDS)
        operands->list[operands->count++] = child;
    return CXChildVisit_Continue;
}

/* libclang shows a type-generic builtin as an unexposed expression, as it does an implicit
 * conversion, which has one operand. With more it shows the elements of initializers so, and few
 * builtins, none of which begins with a pointer. */
unsigned atomic_operands(struct cursor expression, struct cursor operands[ATOMIC_OPERANDS])
{
    struct cursor none[ATOMIC_OPERANDS];
    struct operands found = {operands ? operands : none, 0};
    const enum CXCursorKind kind = cursor_kind(expression);
    if (kind == CXCursor_UnexposedExpr) {
        cursor_visit(expression, take_operand, &found);
        const bool one =
            found.count < 2 || type_canonical(cursor_type(found.list[0])).kind != CXType_Pointer;
        return one ? 0 : found.count;
    }
    if (kind != CXCursor_CallExpr || strncmp(cursor_name(expression), "__sync_", 7))
        return 0;
    const int count = cursor_argument_count(expression);
    for (int i = 0; i < count && i < ATOMIC_OPERANDS; i++)
        found.list[found.count++] = cursor_argument(expression, (unsigned)i);
    return found.count;
}

bool is_atomic_value(struct cursor operand, struct cursor first)
{
    const struct type object = without_atomic(type_pointee(type_canonical(cursor_type(first))));
    return type_equal(type_unqualified(type_canonical(cursor_type(operand))),
                      type_unqualified(object));
}

static struct cursor strip(struct cursor expression, bool casts)
{
    for (;;) {
        const enum CXCursorKind kind = cursor_kind(expression);
        struct cursor inner;
        if (kind == CXCursor_UnexposedExpr && atomic_operands(expression, NULL))
            return expression;
        if (kind == CXCursor_UnexposedExpr || kind == CXCursor_ParenExpr)
            inner = cursor_is_null(cursor_referenced(expression)) ? first_child(expression)
                                                                  : cursor_referenced(expression);
        else if (kind == CXCursor_CStyleCastExpr && casts)
            inner = last_expression(expression);
        else
            return expression;
        if (cursor_is_null(inner))
            return expression;
        expression = inner;
    }
}

struct cursor strip_implicit(struct cursor expression)
{
    return strip(expression, false);
}

struct cursor strip_casts(struct cursor expression)
{
    return strip(expression, true);
}

struct cursor as_written(struct cursor expression)
{
    while (cursor_kind(expression) == CXCursor_UnexposedExpr &&
           !cursor_is_null(first_child(expression)))
        expression = first_child(expression);
    return expression;
}

bool is_null_constant(struct cursor expression)
{
    const struct cursor inner = strip_casts(expression);
    const enum CXCursorKind kind = cursor_kind(inner);
    if (kind == CXCursor_GNUNullExpr)
        return true;
    if (kind != CXCursor_IntegerLiteral)
        return false;
    long long value;
    return cursor_integer(inner, &value) && !value;
}

struct cursor operand_of_address(struct cursor expression)
{
    const struct cursor inner = strip_casts(expression);
    return cursor_kind(inner) == CXCursor_UnaryOperator &&
                   cursor_unary_operator(inner) == CXUnaryOperator_AddrOf
               ? first_child(inner)
               : no_cursor();
}

bool is_object_address(struct cursor expression)
{
    const struct cursor object = operand_of_address(expression);
    return !cursor_is_null(object) && !is_function(cursor_type(object));
}

bool is_integer_constant(struct cursor expression)
{
    const struct cursor inner = strip_casts(expression);
    if (cursor_kind(inner) == CXCursor_GNUNullExpr)
        return true;
    if (type_canonical(cursor_type(inner)).kind > CXType_Int128)
        return false;
    long long value;
    return cursor_integer(inner, &value);
}

static enum CXChildVisitResult find_mark(struct cursor child, struct cursor parent, void *data)
{
    (void)parent;
    (void)data;
    return cursor_kind(child) == CXCursor_AnnotateAttr &&
                   !strcmp(cursor_name(child), "ia2_shared_data")
               ? CXChildVisit_Break
               : CXChildVisit_Continue;
}

bool is_automatic(struct cursor variable)
{
    return cursor_linkage(variable) == CXLinkage_NoLinkage &&
           cursor_storage(variable) != CX_SC_Static;
}

bool is_marked_shared(struct cursor variable)
{
    return cursor_visit(variable, find_mark, NULL);
}

struct cursor named_function(struct cursor expression)
{
    for (;;) {
        expression = strip_implicit(expression);
        const enum CXCursorKind kind = cursor_kind(expression);
        if (kind == CXCursor_DeclRefExpr) {
            const struct cursor decl = cursor_referenced(expression);
            return cursor_kind(decl) == CXCursor_FunctionDecl ? decl : no_cursor();
        }
        if (kind != CXCursor_UnaryOperator)
            return no_cursor();
        const enum CXUnaryOperatorKind operator= cursor_unary_operator(expression);
        if (operator!= CXUnaryOperator_Deref && operator!= CXUnaryOperator_AddrOf)
            return no_cursor();
        expression = first_child(expression);
    }
}

static enum CXChildVisitResult take_body(struct cursor child, struct cursor parent, void *data)
{
    (void)parent;
    if (cursor_kind(child) == CXCursor_CompoundStmt)
        *(struct cursor *)data = child;
    return CXChildVisit_Continue;
}

bool block_place(struct unit *unit, struct cursor block, struct place *place)
{
    *place = place_of(unit, cursor_begin(block));
    return place->source && place->kind == PLACE_FILE && place->source->text[place->offset] == '{';
}

bool body_place(struct unit *unit, struct cursor function, struct place *place)
{
    struct cursor body = no_cursor();
    cursor_visit(function, take_body, &body);
    return block_place(unit, body, place);
}

bool is_array(struct type type)
{
    type = type_canonical(type);
    return type.kind == CXType_ConstantArray || type.kind == CXType_VariableArray ||
           type.kind == CXType_IncompleteArray;
}

static struct type object_type(struct type type)
{
    type = type_canonical(type);
    while (is_array(type) && !type_is_const(type))
        type = type_canonical(type_element(type));
    return type;
}

bool is_constant(struct type type)
{
    type = object_type(type);
    return type_is_const(type) && !type_is_volatile(type);
}

bool is_volatile_constant(struct type type)
{
    type = object_type(type);
    return type_is_const(type) && type_is_volatile(type);
}

unsigned parameter_position(struct cursor parameter)
{
    const struct cursor function = cursor_parent(parameter);
    const int count = cursor_argument_count(function);
    for (int i = 0; i < count; i++)
        if (cursor_equal(cursor_argument(function, (unsigned)i), parameter))
            return (unsigned)i;
    return NO_POSITION;
}

struct type expression_type(struct cursor expression)
{
    const struct type type = cursor_type(expression);
    if (!is_array(type) && !is_function(type))
        return type;
    const struct cursor inner = strip_implicit(expression);
    if (cursor_kind(inner) != CXCursor_DeclRefExpr)
        return type;
    const struct cursor parameter = cursor_referenced(inner);
    if (cursor_kind(parameter) != CXCursor_ParmDecl)
        return type;
    const unsigned position = parameter_position(parameter);
    return position == NO_POSITION
               ? type
               : type_argument(type_canonical(cursor_type(cursor_parent(parameter))), position);
}

struct type callee_type(struct cursor callee)
{
    const struct type type = type_canonical(expression_type(callee));
    return type.kind == CXType_Pointer ? type_pointee(type) : type;
}

struct cursor base_variable(struct cursor lvalue)
{
    for (;;) {
        lvalue = strip_implicit(lvalue);
        const struct cursor inner = first_child(lvalue);
        switch (cursor_kind(lvalue)) {
        case CXCursor_DeclRefExpr: {
            const struct cursor decl = cursor_referenced(lvalue);
            const enum CXCursorKind kind = cursor_kind(decl);
            return kind == CXCursor_VarDecl || kind == CXCursor_ParmDecl ? decl : no_cursor();
        }
        case CXCursor_CompoundLiteralExpr:
            return lvalue;
        case CXCursor_MemberRefExpr: /* `->` leaves the object, `.` does not */
            if (cursor_is_null(inner) || type_canonical(cursor_type(inner)).kind == CXType_Pointer)
                return no_cursor();
            break;
        case CXCursor_ArraySubscriptExpr:
            if (!is_array(expression_type(strip_implicit(inner))))
                return no_cursor();
            break;
        default:
            return no_cursor();
        }
        lvalue = inner;
    }
}

/* What depends on the unit: attributes of the declaration, and the path in the name of an unnamed
 * record. */
static const char *normalize(struct unit *unit, const char *spelling)
{
    struct text text = {0};
    for (const char *p = spelling; *p;) {
        static const char noreturn[] = " __attribute__((noreturn))";
        if (!strncmp(p, noreturn, sizeof(noreturn) - 1)) {
            p += sizeof(noreturn) - 1;
            continue;
        }
        if (!strncmp(p, " at ", 4)) {
            const char *const colon = strchr(p + 4, ':');
            if (colon) {
                const char *path = intern_n(p + 4, (size_t)(colon - p) - 4);
                struct source *const source = source_get(path = compdb_path(unit->command, path));
                text_puts(&text, " at ");
                text_puts(&text, source ? source->shown : path);
                p = colon;
                continue;
            }
        }
        text_add(&text, p++, 1);
    }
    const char *const result = intern(text.data ? text.data : "");
    free(text.data);
    return result;
}

const char *type_spelling(struct unit *unit, struct type type)
{
    type = type_unqualified(type_canonical(type));
    const char *spelling = map_get(&unit->spellings, type_key(type));
    if (!spelling) {
        spelling = normalize(unit, type_text(type));
        map_put(&unit->spellings, type_key(type), (void *)spelling);
    }
    return spelling;
}

bool is_function(struct type type)
{
    const enum CXTypeKind kind = type_canonical(type).kind;
    return kind == CXType_FunctionProto || kind == CXType_FunctionNoProto;
}

struct type without_atomic(struct type type)
{
    type = type_canonical(type);
    return type.kind == CXType_Atomic ? type_canonical(type_value(type)) : type;
}

const char *function_pointer_spelling(struct unit *unit, struct type type)
{
    type = without_atomic(type);
    if (type.kind != CXType_Pointer || !is_function(type_pointee(type)))
        return NULL;
    return type_spelling(unit, type);
}

bool is_va_list_parameter(struct type type)
{
    type = type_canonical(type);
    if (type.kind != CXType_Pointer)
        return false;
    return !strcmp(type_text(type_unqualified(type_pointee(type))), "struct __va_list_tag");
}

const char *looked_up(struct cursor expression)
{
    const struct cursor call = strip_casts(expression);
    if (cursor_kind(call) != CXCursor_CallExpr)
        return NULL;
    const struct cursor function = named_function(first_child(call));
    if (cursor_is_null(function) || !in_system_header(function) ||
        strcmp(cursor_name(function), "dlsym") || cursor_argument_count(call) != 2)
        return NULL;
    const struct cursor name = strip_casts(cursor_argument(call, 1));
    if (cursor_kind(name) != CXCursor_StringLiteral)
        return intern("");
    const char *const text = cursor_name(name); /* with its quotation marks */
    const size_t length = strlen(text);
    return length > 2 && *text == '"' ? intern_n(text + 1, length - 2) : intern("");
}

bool has_name_everywhere(struct type type)
{
    for (type = type_canonical(type);; type = type_canonical(type_pointee(type))) {
        while (is_array(type)) {
            if (type.kind != CXType_ConstantArray)
                return false;
            type = type_canonical(type_element(type));
        }
        if (type.kind != CXType_Pointer)
            break;
    }
    const struct cursor declaration = type_declaration(type);
    return cursor_kind(declaration) == CXCursor_NoDeclFound ||
           (!cursor_is_anonymous(declaration) && !is_function(type) &&
            cursor_kind(cursor_parent(declaration)) == CXCursor_TranslationUnit);
}
