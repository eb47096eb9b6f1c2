#include "callbacks.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "abi/mangle.h"
#include "abi/signature.h"
#include "analysis/analyze.h"
#include "analysis/escape.h"
#include "analysis/gates.h"
#include "analysis/made_facts.h"
#include "base/intern.h"
#include "edits.h"

/* Code of the program's own that is rewritten checks its calls itself. */
static bool is_programs(const struct program *program, struct cursor function)
{
    return cursor_linkage(function) == CXLinkage_Internal
               ? !in_system_header(function)
               : gates_defines(program, cursor_name(function));
}

static uint32_t type_hash(struct unit *unit, struct type pointer)
{
    return mangle_hash(function_mangled(unit, type_pointee(without_atomic(pointer))));
}

/* ---- function pointers ---------------------------------------------------------------------- */

/* The types of function pointers that a value has on its way to the receiver. */
struct types {
    struct type receiver, written; /* the last of them, and the first */
    bool any, escaping;
};

static void add_type(const struct program *program, struct unit *unit, struct types *types,
                     struct type type)
{
    const char *const spelling = function_pointer_spelling(unit, type);
    if (!spelling)
        return;
    if (!types->any)
        types->receiver = type;
    types->written = type;
    types->any = true;
    types->escaping = types->escaping || escapes(program, spelling);
}

static struct types types_of(const struct program *program, struct unit *unit, struct cursor value,
                             struct type receiver)
{
    struct types types = {.any = false};
    add_type(program, unit, &types, receiver);
    for (;;) {
        const enum CXCursorKind kind = cursor_kind(value);
        add_type(program, unit, &types, expression_type(value));
        const bool wraps = kind == CXCursor_UnexposedExpr || kind == CXCursor_ParenExpr ||
                           kind == CXCursor_CStyleCastExpr;
        const struct cursor inner = wraps ? last_expression(value) : no_cursor();
        if (cursor_is_null(inner) || atomic_operands(value, NULL))
            return types;
        value = inner;
    }
}

/* The text of a value, or of what is in its parentheses where a macro writes these. */
static bool value_span(struct unit *unit, struct cursor *value, struct span *span)
{
    while (!span_of(unit, *value, span)) {
        const enum CXCursorKind kind = cursor_kind(*value);
        const struct cursor inner = kind == CXCursor_UnexposedExpr || kind == CXCursor_ParenExpr ||
                                            kind == CXCursor_CStyleCastExpr
                                        ? last_expression(*value)
                                        : no_cursor();
        if (cursor_is_null(inner))
            return false;
        *value = inner;
    }
    return true;
}

static const char *receiver_of(const struct handed *handed)
{
    return cursor_is_null(handed->function)
               ? "an object of a system header"
               : intern_format("%s, which no compartment defines", cursor_name(handed->function));
}

static void refuse_text(const struct handed *handed, struct cursor value)
{
    refuse_at(value, intern_format("function pointer for %s", receiver_of(handed)),
              "it may have come from another compartment, and a macro makes a part of the "
              "expression, so there is no text to put a check around",
              "assign the pointer to a local variable first and pass that");
}

static void check_pointer(struct program *program, struct unit *unit, const struct handed *handed,
                          struct cursor value)
{
    const struct types types = types_of(program, unit, value, handed->type);
    struct cursor text = value;
    struct span span;
    if (!types.any)
        return;
    const bool editable = value_span(unit, &text, &span);
    if (!types.escaping) {
        if (editable)
            edit_veto(program->edits, &span, EDIT_CALL, value);
        return;
    }
    if (!editable) {
        refuse_text(handed, value);
        return;
    }
    const struct type written = expression_type(as_written(text));
    const bool typed = is_function(written) || function_pointer_spelling(unit, written);
    edit_wrap(program->edits, &span, EDIT_CALL, typed ? "IA2_CALLBACK(" : "IA2_CALLBACK_UNTYPED(",
              intern_format(", 0x%08xu, 0x%08xu)", type_hash(unit, types.receiver),
                            type_hash(unit, types.written)),
              value);
}

struct pointers {
    struct program *program;
    struct unit *unit;
    const struct handed *handed;
};

static void check_pointers(const struct pointers *pointers, struct cursor value);

static enum CXChildVisitResult check_branch(struct cursor child, struct cursor parent, void *data)
{
    if (clang_isExpression(cursor_kind(child)) && !cursor_equal(child, first_child(parent)))
        check_pointers(data, child);
    return CXChildVisit_Continue;
}

/* Functions by their names stay as they are (edits/rewrite.c), in each branch of a condition. */
static void check_pointers(const struct pointers *pointers, struct cursor value)
{
    const struct cursor inner = strip_casts(value);
    if (!cursor_is_null(named_function(inner)) || is_integer_constant(inner))
        return;
    if (cursor_kind(inner) == CXCursor_ConditionalOperator)
        cursor_visit(inner, check_branch, (void *)pointers);
    else if (!written_in_system_header(strip_implicit(value)))
        check_pointer(pointers->program, pointers->unit, pointers->handed, value);
}

/* ---- records -------------------------------------------------------------------------------- */

/* The function pointers in a record, as the arguments of IA2_CALLBACKS. */
struct record {
    struct unit *unit;
    long long at; /* of the record, in bytes */
    struct text members;
    bool deeper; /* there are more behind pointers */
};

static enum CXVisitorResult list_member(struct cursor field, void *data)
{
    struct record *const record = data;
    const struct type type = type_canonical(cursor_type(field));
    const long long at = record->at + cursor_bit_offset(field) / 8;
    if (!strcmp(cursor_name(field), "sa_restorer"))
        return CXVisit_Continue; /* libc sets its own */
    if (function_pointer_spelling(record->unit, type)) {
        text_printf(&record->members, ", %lld, 0x%08xu", at, type_hash(record->unit, type));
    } else if (type.kind == CXType_Record) {
        struct record inner = {record->unit, at, record->members, false};
        type_visit_fields(type, list_member, &inner);
        record->members = inner.members;
        record->deeper = record->deeper || inner.deeper;
    } else if (is_array(type) ? holds_function_pointers(record->unit, type)
                              : escape_is_callback_record(record->unit, type)) {
        record->deeper = true;
    }
    return CXVisit_Continue;
}

/* Results, and what is called only where a flag says so. */
static bool is_not_called(const struct handed *handed)
{
    const char *const name = cursor_name(handed->function);
    long long flags;
    if (!strcmp(name, "sigaction"))
        return handed->position == 2;
    if (!strcmp(name, "globfree") || !strcmp(name, "globfree64"))
        return true;
    return (!strcmp(name, "glob") || !strcmp(name, "glob64")) &&
           cursor_integer(strip_casts(cursor_argument(handed->call, 1)), &flags) &&
           !(flags & GLOB_ALTDIRFUNC);
}

static void check_record(struct program *program, struct unit *unit, const struct handed *handed)
{
    const struct type type = type_canonical(handed->type);
    const bool pointer = type.kind == CXType_Pointer;
    const struct type object = pointer ? type_canonical(type_pointee(type)) : type;
    struct record record = {.unit = unit};
    struct cursor text = handed->value;
    struct span span;
    if (!escape_has_record(program, unit, type) || is_null_constant(handed->value) ||
        is_not_called(handed))
        return;
    if (object.kind == CXType_Record)
        type_visit_fields(object, list_member, &record);
    if (object.kind != CXType_Record || record.deeper || (pointer && !type_is_const(object)))
        refuse_at(handed->value,
                  intern_format("%s for %s", type_spelling(unit, object), receiver_of(handed)),
                  "objects of this type cross the boundary, so other compartments may have set the "
                  "function pointers that it leads to, and change them while libc uses it",
                  "keep such objects in one compartment, and let a function of that compartment "
                  "do what is to be done with them");
    else if (!value_span(unit, &text, &span))
        refuse_text(handed, handed->value);
    else if (record.members.length)
        edit_wrap(program->edits, &span, EDIT_CALL,
                  pointer ? "IA2_CALLBACKS(" : "IA2_CALLBACKS_OF(",
                  intern_format("%s)", record.members.data), handed->value);
    free(record.members.data);
}

void callbacks_rewrite(struct program *program, struct unit *unit)
{
    for (size_t i = 0; i < unit->handed_count; i++) {
        const struct handed *const handed = &unit->handed[i];
        if (!cursor_is_null(handed->function) && is_programs(program, handed->function))
            continue;
        check_pointers(&(struct pointers){program, unit, handed}, handed->value);
        if (!cursor_is_null(handed->function) && in_system_header(handed->function))
            check_record(program, unit, handed);
    }
}
