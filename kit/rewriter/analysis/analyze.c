#include "analyze.h"

#include <stdlib.h>
#include <string.h>

#include "abi/signature.h"
#include "base/intern.h"
#include "base/workers.h"
#include "flow_facts.h"
#include "handed_facts.h"
#include "kept_functions.h"
#include "made_facts.h"

/* The path from the declaration to the cursor being visited. */
struct frame {
    struct cursor cursor;
    enum CXCursorKind kind;
    unsigned index, children; /* position among the parent's children; own children seen so far */
};

struct visit {
    struct unit *unit;
    const struct plan *plan;
    struct function *function; /* NULL: initializer of a global */
    struct frame *frames;
    size_t depth, capacity;
};

static void note_member_type(struct visit *visit, const char *type)
{
    struct function *const f = visit->function;
    if (f)
        *PUSH(f->member_types, f->member_type_count, f->member_type_capacity) = type;
}

static struct cursor field_of(struct cursor expression)
{
    const struct cursor inner = strip_implicit(expression);
    if (cursor_kind(inner) != CXCursor_MemberRefExpr)
        return no_cursor();
    return cursor_referenced(inner);
}

static void note_lookup(struct visit *visit, const char *symbol, struct type target)
{
    struct unit *const unit = visit->unit;
    *PUSH(unit->lookups, unit->lookup_count, unit->lookup_capacity) =
        (struct lookup){symbol, target, !function_pointer_spelling(unit, target)};
}

/* What dlsym gives is of the type that it is converted to. */
static void on_lookup(struct visit *visit, struct cursor call)
{
    struct type target = cursor_type(call);
    for (size_t i = visit->depth - 1; i > 0; i--) {
        const struct frame *const parent = &visit->frames[i - 1];
        if (parent->kind != CXCursor_UnexposedExpr && parent->kind != CXCursor_ParenExpr &&
            parent->kind != CXCursor_CStyleCastExpr)
            break;
        target = cursor_type(parent->cursor);
    }
    note_lookup(visit, looked_up(call), target);
}

/* `*(void **)&p = value`, as POSIX writes it: what p points to. */
static void on_untyped_store(struct visit *visit, struct cursor assignment)
{
    const struct cursor target = strip_implicit(first_child(assignment));
    if (cursor_kind(target) != CXCursor_UnaryOperator ||
        cursor_unary_operator(target) != CXUnaryOperator_Deref)
        return;
    const struct type stored = type_canonical(cursor_type(strip_casts(first_child(target))));
    if (stored.kind == CXType_Pointer &&
        function_pointer_spelling(visit->unit, type_pointee(stored)))
        note_lookup(visit, looked_up(last_expression(assignment)), type_pointee(stored));
}

static void on_call(struct visit *visit, struct cursor cursor)
{
    struct unit *const unit = visit->unit;
    const struct cursor callee = first_child(cursor);
    if (cursor_is_null(callee))
        return;
    const struct cursor function = named_function(callee);
    if (!cursor_is_null(function)) {
        const char *const name = cursor_name(function);
        if (visit->function)
            *PUSH(visit->function->callees, visit->function->callee_count,
                  visit->function->callee_capacity) = name;
        if (!strcmp(name, "ia2_register_compartment"))
            *PUSH(unit->registrations, unit->registration_count, unit->registration_capacity) =
                cursor;
        const struct import *const import = plan_import(visit->plan, name);
        if (looked_up(cursor))
            on_lookup(visit, cursor);
        if (!import || cursor_linkage(function) == CXLinkage_Internal)
            return;
        const struct call call = {cursor, callee, NULL, import, no_cursor()};
        if (import->callers & 1u << unit->plan->compartment)
            *PUSH(unit->calls, unit->call_count, unit->call_capacity) = call;
        else if (import->owner == unit->plan->compartment && is_variadic(cursor_type(function)))
            *PUSH(unit->own_calls, unit->own_call_count, unit->own_call_capacity) = call;
        return;
    }
    if (visit->function)
        visit->function->calls_pointer = true;
    const struct type type = expression_type(callee);
    const char *spelling = function_pointer_spelling(unit, type);
    if (!spelling && is_function(type)) { /* `(*p)` before it decays */
        const struct cursor inner = strip_implicit(callee);
        if (cursor_kind(inner) == CXCursor_UnaryOperator)
            spelling = function_pointer_spelling(unit, cursor_type(first_child(inner)));
    }
    if (spelling) {
        struct cursor pointer = strip_implicit(callee);
        while (cursor_kind(pointer) == CXCursor_UnaryOperator)
            pointer = strip_implicit(first_child(pointer));
        *PUSH(unit->calls, unit->call_count, unit->call_capacity) =
            (struct call){cursor, callee, spelling, NULL, field_of(pointer)};
    }
}

/* The function of a system header that the value at frame `child` is an argument of, else the null
 * cursor. */
static struct cursor libc_callee(struct visit *visit, size_t child)
{
    const struct frame *const parent = &visit->frames[child - 1];
    if (parent->kind != CXCursor_CallExpr || visit->frames[child].index == 0)
        return no_cursor();
    const struct cursor function = named_function(first_child(parent->cursor));
    return !cursor_is_null(function) && in_system_header(function) ? function : no_cursor();
}

/* Whether the value at frame `child` goes into a member of one of libc's structs, or into a
 * variable that one of its macros declares. */
static bool goes_to_libc_object(struct visit *visit, size_t child)
{
    const struct frame *const parent = &visit->frames[child - 1], *const frame =
                                                                      &visit->frames[child];
    struct cursor target = no_cursor();
    if (parent->kind == CXCursor_VarDecl)
        return written_in_system_header(parent->cursor);
    if (parent->kind == CXCursor_BinaryOperator && frame->index == 1)
        target = field_of(first_child(parent->cursor));
    else if (parent->kind == CXCursor_InitListExpr)
        target = type_declaration(type_canonical(cursor_type(parent->cursor)));
    else if (parent->kind == CXCursor_UnexposedExpr && frame->index > 0) { /* .member = value */
        const struct cursor member = first_child(parent->cursor);
        if (cursor_kind(member) == CXCursor_MemberRef)
            target = cursor_referenced(member);
    }
    return !cursor_is_null(target) && cursor_kind(target) != CXCursor_NoDeclFound &&
           in_system_header(target);
}

static void add_type(struct designator *designator, const char *type)
{
    for (size_t i = 0; type && i < 4; i++) {
        if (designator->types[i] == type)
            return;
        if (!designator->types[i]) {
            designator->types[i] = type;
            return;
        }
    }
}

static void note_reference(struct visit *visit, const char *name)
{
    struct function *const f = visit->function;
    if (f)
        *PUSH(f->references, f->reference_count, f->reference_capacity) = name;
    else
        *PUSH(visit->unit->references, visit->unit->reference_count,
              visit->unit->reference_capacity) = name;
}

static bool is_comparison(struct cursor cursor)
{
    const enum CXBinaryOperatorKind kind = cursor_binary_operator(cursor);
    return kind == CXBinaryOperator_EQ || kind == CXBinaryOperator_NE;
}

static void on_function_reference(struct visit *visit, struct cursor reference,
                                  struct cursor function)
{
    struct unit *const unit = visit->unit;
    struct designator designator = {
        .reference = reference, .function = function, .whole = reference};
    designator.user = visit->function ? (size_t)(visit->function - unit->functions) + 1 : 0;
    note_reference(visit, cursor_name(function));
    bool is_value = false;
    size_t i = visit->depth - 1; /* the frame whose parent is looked at */
    for (; i > 0; i--) {
        const struct frame *const parent = &visit->frames[i - 1];
        const struct type type = cursor_type(parent->cursor);
        if (parent->kind == CXCursor_UnaryOperator &&
            cursor_unary_operator(parent->cursor) == CXUnaryOperator_AddrOf && !is_value)
            designator.whole = parent->cursor;
        else if (parent->kind == CXCursor_ConditionalOperator
                     ? visit->frames[i].index == 0
                     : parent->kind != CXCursor_UnexposedExpr &&
                           parent->kind != CXCursor_ParenExpr &&
                           parent->kind != CXCursor_UnaryOperator &&
                           parent->kind != CXCursor_CStyleCastExpr)
            break;
        if (parent->kind == CXCursor_UnexposedExpr && visit->frames[i].index > 0)
            break; /* a designated initializer */
        if (parent->kind == CXCursor_ParenExpr &&
            !type_equal(type_canonical(cursor_type(visit->frames[i].cursor)), type_canonical(type)))
            return; /* what a _Generic does not choose */
        const char *const spelling = function_pointer_spelling(unit, type);
        if (spelling) {
            is_value = true;
            designator.target = without_atomic(type);
            add_type(&designator, spelling);
        }
    }
    const struct frame *const user = i > 0 ? &visit->frames[i - 1] : NULL;
    bool callee = user && user->kind == CXCursor_CallExpr && visit->frames[i].index == 0;
    if (callee)
        callee = !cursor_is_null(named_function(visit->frames[i].cursor));
    if (callee) {
        /* Only of interest as a vote against rewriting the same text elsewhere. */
        if (place_of(unit, cursor_location(reference)).kind == PLACE_FILE)
            return;
        designator.callee = true;
        designator.called = visit->frames[i].cursor;
    } else if (!is_value) {
        return; /* sizeof, typeof */
    } else if (user) {
        const struct cursor libc = libc_callee(visit, i);
        designator.libc_function = cursor_is_null(libc) ? NULL : cursor_name(libc);
        designator.libc_returns =
            designator.libc_function && function_pointer_spelling(unit, cursor_result_type(libc));
        designator.to_libc_object = goes_to_libc_object(visit, i);
        designator.compared = is_comparison(user->cursor);
    }
    *PUSH(unit->designators, unit->designator_count, unit->designator_capacity) = designator;
}

static bool is_untyped(struct type type)
{
    type = type_canonical(type);
    return type.kind == CXType_Pointer && type_canonical(type_pointee(type)).kind == CXType_Void;
}

/* A `void *` that is none of libc's (malloc) becomes a pointer to something, which may be a
 * plugin's variable. Or a function pointer becomes a `void *`. */
static void on_data_conversion(struct visit *visit, struct cursor cursor)
{
    const struct cursor inner = strip_casts(last_expression(cursor));
    const struct type target = cursor_type(cursor);
    struct unit *const unit = visit->unit;
    const char *const from =
        is_untyped(target) ? function_pointer_spelling(unit, cursor_type(last_expression(cursor)))
                           : NULL;
    if (from)
        *PUSH(unit->conversions, unit->conversion_count, unit->conversion_capacity) =
            (struct conversion){cursor, from, NULL, from, 0, false};
    if (cursor_is_null(inner) || type_canonical(target).kind != CXType_Pointer ||
        is_untyped(target) || !is_untyped(cursor_type(inner)) || is_integer_constant(inner))
        return;
    const struct cursor function =
        cursor_kind(inner) == CXCursor_CallExpr ? named_function(first_child(inner)) : no_cursor();
    if (cursor_is_null(function) || !in_system_header(function))
        note_lookup(visit, NULL, target);
}

static void on_conversion(struct visit *visit, struct cursor cursor, const struct frame *parent)
{
    struct unit *const unit = visit->unit;
    const char *const to = function_pointer_spelling(unit, cursor_type(cursor));
    if (!to) {
        on_data_conversion(visit, cursor);
        return;
    }
    if (parent && (parent->kind == CXCursor_InitListExpr ||
                   (parent->kind == CXCursor_UnexposedExpr &&
                    cursor_kind(first_child(parent->cursor)) == CXCursor_MemberRef)))
        note_member_type(visit, to);
    const struct cursor inner = last_expression(cursor);
    if (cursor_is_null(inner))
        return;
    const struct type type = cursor_type(inner);
    if (is_function(type))
        return;
    const char *const from = function_pointer_spelling(unit, type);
    if (from == to)
        return;
    const struct cursor value = strip_casts(inner);
    const bool constant = !cursor_is_null(named_function(value)) || is_integer_constant(value) ||
                          is_object_address(value);
    const bool untyped = is_untyped(type) && !constant;
    if (untyped)
        note_lookup(visit, looked_up(inner), cursor_type(cursor));
    *PUSH(unit->conversions, unit->conversion_count,
          unit->conversion_capacity) = (struct conversion){
        cursor, from, to, type_spelling(unit, type), untyped ? unit->lookup_count : 0, constant};
}

static void note_types_in(struct visit *visit, struct type type);

static enum CXVisitorResult note_field(struct cursor field, void *data)
{
    note_types_in(data, cursor_type(field));
    return CXVisit_Continue;
}

/* The function-pointer types of the members that an object of a type holds itself. */
static void note_types_in(struct visit *visit, struct type type)
{
    type = type_canonical(type);
    const char *const spelling = function_pointer_spelling(visit->unit, type);
    if (spelling)
        note_member_type(visit, spelling);
    else if (is_array(type))
        note_types_in(visit, type_element(type));
    else if (type.kind == CXType_Record)
        type_visit_fields(type, note_field, visit);
}

static void on_assignment(struct visit *visit, struct cursor cursor)
{
    if (!visit->function || cursor_binary_operator(cursor) != CXBinaryOperator_Assign)
        return;
    on_untyped_store(visit, cursor);
    if (type_canonical(cursor_type(cursor)).kind == CXType_Record) {
        note_types_in(visit, cursor_type(cursor));
        return;
    }
    const char *const type = function_pointer_spelling(visit->unit, cursor_type(cursor));
    if (type && !cursor_is_null(field_of(first_child(cursor))))
        note_member_type(visit, type);
}

/* Neither an atomic operation on an object nor libc carries its address on to another compartment,
 * but libc one whose type it does not know. */
static bool address_stays_in_compartment(struct visit *visit)
{
    struct cursor operands[ATOMIC_OPERANDS];
    size_t i = visit->depth - 1;
    for (; i > 0 && (visit->frames[i - 1].kind == CXCursor_UnexposedExpr ||
                     visit->frames[i - 1].kind == CXCursor_ParenExpr);
         i--)
        if (atomic_operands(visit->frames[i - 1].cursor, operands))
            return !is_atomic_value(visit->frames[i].cursor, operands[0]);
    const struct cursor function = i > 0 ? libc_callee(visit, i) : no_cursor();
    if (cursor_is_null(function))
        return false;
    const struct type parameter =
        type_canonical(type_argument(cursor_type(function), visit->frames[i].index - 1));
    return parameter.kind == CXType_Pointer &&
           type_canonical(type_pointee(parameter)).kind != CXType_Void;
}

/* The address of `lvalue` is taken; only what is decided by type is of interest. */
static void on_address(struct visit *visit, struct cursor cursor, struct cursor lvalue,
                       struct type pointee)
{
    struct unit *const unit = visit->unit;
    const enum CXTypeKind kind = type_canonical(pointee).kind;
    if (kind != CXType_Record && kind != CXType_Pointer)
        return;
    const struct cursor variable = base_variable(lvalue);
    if (!cursor_is_null(variable) && !address_stays_in_compartment(visit))
        *PUSH(unit->addresses, unit->address_count, unit->address_capacity) =
            (struct address){cursor, variable, type_spelling(unit, pointee)};
}

/* An array that decays to a pointer gives its address away, except as the operand of a subscript.
 */
static void on_decay(struct visit *visit, struct cursor cursor, const struct frame *parent)
{
    if (parent && parent->kind == CXCursor_ArraySubscriptExpr)
        return;
    const struct type type = type_canonical(cursor_type(cursor));
    if (type.kind != CXType_Pointer)
        return;
    const struct cursor inner = first_child(cursor);
    const struct type array = type_canonical(cursor_type(inner));
    if (array.kind != CXType_ConstantArray && array.kind != CXType_VariableArray)
        return;
    on_address(visit, cursor, inner, type_pointee(type));
}

static void note_declaration(struct visit *visit, struct cursor cursor)
{
    struct unit *const unit = visit->unit;
    if (cursor_linkage(cursor) != CXLinkage_External)
        return;
    const char *const name = cursor_name(cursor);
    if (plan_import(visit->plan, name) || plan_is_entry(visit->plan, name))
        *PUSH(unit->declarations, unit->declaration_count, unit->declaration_capacity) =
            (struct declaration){cursor, name, cursor_is_definition(cursor)};
}

static void note_shared_variable(struct visit *visit, struct cursor cursor)
{
    struct unit *const unit = visit->unit;
    const char *const name = cursor_name(cursor);
    if (cursor_storage(cursor) != CX_SC_Extern &&
        (plan_is_shared(visit->plan, name) || is_marked_shared(cursor)))
        *PUSH(unit->shared_variables, unit->shared_variable_count, unit->shared_variable_capacity) =
            (struct declaration){cursor, name, cursor_is_definition(cursor)};
}

static enum CXChildVisitResult on_cursor(struct cursor cursor, struct cursor parent_cursor,
                                         void *data)
{
    struct visit *const visit = data;
    while (visit->depth > 1 && !cursor_equal(visit->frames[visit->depth - 1].cursor, parent_cursor))
        visit->depth--;
    const unsigned index = visit->frames[visit->depth - 1].children++;
    const enum CXCursorKind kind = cursor_kind(cursor);
    *PUSH(visit->frames, visit->depth, visit->capacity) = (struct frame){cursor, kind, index, 0};
    const struct frame *const parent = &visit->frames[visit->depth - 2];
    flow_note(visit->unit, cursor, visit->function ? visit->function->cursor : no_cursor());
    made_note(visit->unit, cursor);
    handed_note(visit->unit, cursor);
    kept_note(visit->unit, cursor, clang_isExpression(parent->kind));
    switch (kind) {
    case CXCursor_CallExpr:
        on_call(visit, cursor);
        break;
    case CXCursor_DeclRefExpr: {
        const struct cursor function = cursor_referenced(cursor);
        if (cursor_kind(function) == CXCursor_FunctionDecl)
            on_function_reference(visit, cursor, function);
        break;
    }
    case CXCursor_UnexposedExpr:
        on_decay(visit, cursor, parent);
        on_conversion(visit, cursor, parent);
        break;
    case CXCursor_CStyleCastExpr:
        on_conversion(visit, cursor, parent);
        break;
    case CXCursor_UnaryOperator:
        if (cursor_unary_operator(cursor) == CXUnaryOperator_AddrOf) {
            const struct cursor operand = first_child(cursor);
            on_address(visit, cursor, operand, cursor_type(operand));
        }
        break;
    case CXCursor_BinaryOperator:
        on_assignment(visit, cursor);
        break;
    case CXCursor_UnexposedAttr:
        if (parent->kind == CXCursor_VarDecl && is_automatic(parent->cursor))
            *PUSH(visit->unit->attributed_locals, visit->unit->attributed_local_count,
                  visit->unit->attributed_local_capacity) = parent->cursor;
        break;
    case CXCursor_FunctionDecl: /* declared where it is used */
    case CXCursor_VarDecl:
        note_declaration(visit, cursor);
        if (kind == CXCursor_VarDecl && cursor_storage(cursor) == CX_SC_Static)
            note_shared_variable(visit, cursor);
        break;
    default:
        break;
    }
    return CXChildVisit_Recurse;
}

static void visit_body(struct visit *visit, struct cursor declaration)
{
    visit->depth = 0;
    *PUSH(visit->frames, visit->depth, visit->capacity) =
        (struct frame){declaration, cursor_kind(declaration), 0, 0};
    cursor_visit(declaration, on_cursor, visit);
}

struct annotated {
    struct unit *unit;
    struct cursor function;
};

static enum CXChildVisitResult note_annotation(struct cursor child, struct cursor parent,
                                               void *data)
{
    const struct annotated *const annotated = data;
    (void)parent;
    if (cursor_kind(child) == CXCursor_AnnotateAttr && !strncmp(cursor_name(child), "ia2_", 4))
        *PUSH(annotated->unit->annotations, annotated->unit->annotation_count,
              annotated->unit->annotation_capacity) = (struct annotation){
            annotated->function, cursor_name(child), cursor_is_definition(annotated->function)};
    return CXChildVisit_Continue;
}

static enum CXChildVisitResult on_declaration(struct cursor cursor, struct cursor parent,
                                              void *data)
{
    struct visit *const visit = data;
    struct unit *const unit = visit->unit;
    (void)parent;
    const enum CXCursorKind kind = cursor_kind(cursor);
    if (kind != CXCursor_FunctionDecl && kind != CXCursor_VarDecl)
        return CXChildVisit_Continue;
    const bool is_static = cursor_linkage(cursor) == CXLinkage_Internal;
    const bool definition = cursor_is_definition(cursor);
    const char *const name = cursor_name(cursor);
    note_declaration(visit, cursor);
    if (in_system_header(cursor))
        return CXChildVisit_Continue;
    const bool guide = kind == CXCursor_VarDecl && !strncmp(name, "ia2_guide_", 10);
    if ((kind == CXCursor_FunctionDecl || guide) && cursor_has_attributes(cursor))
        cursor_visit(cursor, note_annotation, &(struct annotated){unit, cursor});
    visit->function = NULL;
    if (guide)
        *PUSH(unit->guide_numbers, unit->guide_number_count, unit->guide_number_capacity) =
            (struct guide_number){cursor, name};
    if (kind == CXCursor_VarDecl) {
        note_shared_variable(visit, cursor);
        flow_note(unit, cursor, no_cursor());
        kept_note(unit, cursor, false);
        visit_body(visit, cursor);
    } else if (definition) {
        struct function *const function =
            PUSH(unit->functions, unit->function_count, unit->function_capacity);
        function->name = name;
        function->cursor = cursor;
        function->is_static = is_static;
        visit->function = function;
        visit_body(visit, cursor);
    }
    return CXChildVisit_Continue;
}

static void revive(const struct map *dead, const char *const *references, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct function *const function = map_get(dead, key_of(references[i]));
        if (function && function->dead) {
            function->dead = false;
            revive(dead, function->references, function->reference_count);
        }
    }
}

/* Inline functions that nothing else leads to. */
static void find_dead_functions(struct unit *unit)
{
    struct map dead = {0};
    for (size_t i = 0; i < unit->function_count; i++) {
        struct function *const function = &unit->functions[i];
        function->dead = function->is_static && cursor_is_inline(function->cursor);
        if (function->dead)
            map_put(&dead, key_of(function->name), function);
    }
    revive(&dead, unit->references, unit->reference_count);
    for (size_t i = 0; i < unit->function_count; i++)
        if (!unit->functions[i].dead)
            revive(&dead, unit->functions[i].references, unit->functions[i].reference_count);
    map_free(&dead);
}

static void analyze_unit(void *context, size_t number, void **unused)
{
    struct program *const program = context;
    struct unit *const unit = &program->units[number];
    struct visit visit = {.unit = unit, .plan = &program->plan};
    (void)unused;
    if (!unit->main_file)
        return;
    cursor_visit(tree_root(unit->tree), on_declaration, &visit);
    free(visit.frames);
    find_dead_functions(unit);
}

void analyze_units(struct program *program)
{
    work_on_all(program->unit_count, analyze_unit, NULL, program);
}
