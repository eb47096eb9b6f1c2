#include "analyze.h"

#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "signature.h"

/* The path from the declaration to the cursor being visited. */
struct frame {
    CXCursor cursor;
    enum CXCursorKind kind;
    unsigned index, children;   /* position among the parent's children; own children seen so far */
};

struct visit {
    struct unit *unit;
    const struct plan *plan;
    struct function *function;   /* NULL: initializer of a global */
    struct frame *frames;
    size_t depth, capacity;
};

static void note_member_type(struct visit *visit, const char *type) {
    struct function *const f = visit->function;
    if (f)
        *PUSH(f->member_types, f->member_type_count, f->member_type_capacity) = type;
}

static CXCursor field_of(CXCursor expression) {
    const CXCursor inner = strip_implicit(expression);
    if (clang_getCursorKind(inner) != CXCursor_MemberRefExpr)
        return clang_getNullCursor();
    return clang_getCursorReferenced(inner);
}

static void note_lookup(struct visit *visit, const char *symbol, CXType target) {
    struct unit *const unit = visit->unit;
    *PUSH(unit->lookups, unit->lookup_count, unit->lookup_capacity) =
        (struct lookup) { symbol, target, !function_pointer_spelling(unit, target) };
}

/* What dlsym gives is of the type that it is converted to. */
static void on_lookup(struct visit *visit, CXCursor call) {
    CXType target = clang_getCursorType(call);
    for (size_t i = visit->depth - 1; i > 0; i--) {
        const struct frame *const parent = &visit->frames[i - 1];
        if (parent->kind != CXCursor_UnexposedExpr && parent->kind != CXCursor_ParenExpr && parent->kind != CXCursor_CStyleCastExpr)
            break;
        target = clang_getCursorType(parent->cursor);
    }
    note_lookup(visit, looked_up(call), target);
}

/* `*(void **)&p = value`, as POSIX writes it: what p points to. */
static void on_untyped_store(struct visit *visit, CXCursor assignment) {
    const CXCursor target = strip_implicit(first_child(assignment));
    if (clang_getCursorKind(target) != CXCursor_UnaryOperator || clang_getCursorUnaryOperatorKind(target) != CXUnaryOperator_Deref)
        return;
    const CXType stored = clang_getCanonicalType(clang_getCursorType(strip_casts(first_child(target))));
    if (stored.kind == CXType_Pointer && function_pointer_spelling(visit->unit, clang_getPointeeType(stored)))
        note_lookup(visit, looked_up(last_expression(assignment)), clang_getPointeeType(stored));
}

static void on_call(struct visit *visit, CXCursor cursor) {
    struct unit *const unit = visit->unit;
    const CXCursor callee = first_child(cursor);
    if (clang_Cursor_isNull(callee))
        return;
    const CXCursor function = named_function(callee);
    if (!clang_Cursor_isNull(function)) {
        const char *const name = cursor_name(function);
        if (visit->function)
            *PUSH(visit->function->callees, visit->function->callee_count, visit->function->callee_capacity) = name;
        if (!strcmp(name, "ia2_register_compartment"))
            *PUSH(unit->registrations, unit->registration_count, unit->registration_capacity) = cursor;
        const struct import *const import = plan_import(visit->plan, name);
        if (looked_up(cursor))
            on_lookup(visit, cursor);
        if (!import || clang_getCursorLinkage(function) == CXLinkage_Internal)
            return;
        const struct call it = { cursor, callee, NULL, import, clang_getNullCursor() };
        if (import->callers & 1u << unit->plan->compartment)
            *PUSH(unit->calls, unit->call_count, unit->call_capacity) = it;
        else if (import->owner == unit->plan->compartment && is_variadic(clang_getCursorType(function)))
            *PUSH(unit->own_calls, unit->own_call_count, unit->own_call_capacity) = it;
        return;
    }
    const CXType type = expression_type(callee);
    const char *spelling = function_pointer_spelling(unit, type);
    if (!spelling && is_function(type)) {   /* `(*p)` before it decays */
        const CXCursor inner = strip_implicit(callee);
        if (clang_getCursorKind(inner) == CXCursor_UnaryOperator)
            spelling = function_pointer_spelling(unit, clang_getCursorType(first_child(inner)));
    }
    if (spelling) {
        CXCursor pointer = strip_implicit(callee);
        while (clang_getCursorKind(pointer) == CXCursor_UnaryOperator)
            pointer = strip_implicit(first_child(pointer));
        *PUSH(unit->calls, unit->call_count, unit->call_capacity) =
            (struct call) { cursor, callee, spelling, NULL, field_of(pointer) };
    }
}

/* The function of a system header that the value at frame `child` is an argument of, else the null cursor. */
static CXCursor libc_callee(struct visit *visit, size_t child) {
    const struct frame *const parent = &visit->frames[child - 1];
    if (parent->kind != CXCursor_CallExpr || visit->frames[child].index == 0)
        return clang_getNullCursor();
    const CXCursor function = named_function(first_child(parent->cursor));
    return !clang_Cursor_isNull(function) && in_system_header(function) ? function : clang_getNullCursor();
}

/* Whether the value at frame `child` goes into a member of one of libc's structs, or into a variable that one of its macros
 * declares. */
static bool goes_to_libc_object(struct visit *visit, size_t child) {
    const struct frame *const parent = &visit->frames[child - 1], *const frame = &visit->frames[child];
    CXCursor target = clang_getNullCursor();
    if (parent->kind == CXCursor_VarDecl)
        return written_in_system_header(parent->cursor);
    if (parent->kind == CXCursor_BinaryOperator && frame->index == 1)
        target = field_of(first_child(parent->cursor));
    else if (parent->kind == CXCursor_InitListExpr)
        target = clang_getTypeDeclaration(clang_getCanonicalType(clang_getCursorType(parent->cursor)));
    else if (parent->kind == CXCursor_UnexposedExpr && frame->index > 0) {   /* .member = value */
        const CXCursor member = first_child(parent->cursor);
        if (clang_getCursorKind(member) == CXCursor_MemberRef)
            target = clang_getCursorReferenced(member);
    }
    return !clang_Cursor_isNull(target) && clang_getCursorKind(target) != CXCursor_NoDeclFound && in_system_header(target);
}

static void add_type(struct designator *designator, const char *type) {
    for (size_t i = 0; type && i < 4; i++) {
        if (designator->types[i] == type)
            return;
        if (!designator->types[i]) {
            designator->types[i] = type;
            return;
        }
    }
}

static void note_reference(struct visit *visit, const char *name) {
    struct function *const f = visit->function;
    if (f)
        *PUSH(f->references, f->reference_count, f->reference_capacity) = name;
    else
        *PUSH(visit->unit->references, visit->unit->reference_count, visit->unit->reference_capacity) = name;
}

static bool is_comparison(CXCursor cursor) {
    const enum CXBinaryOperatorKind kind = clang_getCursorBinaryOperatorKind(cursor);
    return kind == CXBinaryOperator_EQ || kind == CXBinaryOperator_NE;
}

static void on_function_reference(struct visit *visit, CXCursor reference, CXCursor function) {
    struct unit *const unit = visit->unit;
    struct designator it = { .reference = reference, .function = function, .whole = reference };
    it.user = visit->function ? (size_t)(visit->function - unit->functions) + 1 : 0;
    note_reference(visit, cursor_name(function));
    bool is_value = false;
    size_t i = visit->depth - 1;   /* the frame whose parent is looked at */
    for (; i > 0; i--) {
        const struct frame *const parent = &visit->frames[i - 1];
        const CXType type = clang_getCursorType(parent->cursor);
        if (parent->kind == CXCursor_UnaryOperator &&
            clang_getCursorUnaryOperatorKind(parent->cursor) == CXUnaryOperator_AddrOf && !is_value)
            it.whole = parent->cursor;
        else if (parent->kind == CXCursor_ConditionalOperator ? visit->frames[i].index == 0 :
                 parent->kind != CXCursor_UnexposedExpr && parent->kind != CXCursor_ParenExpr &&
                 parent->kind != CXCursor_UnaryOperator && parent->kind != CXCursor_CStyleCastExpr)
            break;
        if (parent->kind == CXCursor_UnexposedExpr && visit->frames[i].index > 0)
            break;   /* a designated initializer */
        const char *const spelling = function_pointer_spelling(unit, type);
        if (spelling) {
            is_value = true;
            it.target = without_atomic(type);
            add_type(&it, spelling);
        }
    }
    const struct frame *const user = i > 0 ? &visit->frames[i - 1] : NULL;
    bool callee = user && user->kind == CXCursor_CallExpr && visit->frames[i].index == 0;
    if (callee)
        callee = !clang_Cursor_isNull(named_function(visit->frames[i].cursor));
    if (callee) {
        /* Only of interest as a vote against rewriting the same text elsewhere. */
        if (place_of(unit, clang_getCursorLocation(reference)).kind == PLACE_FILE)
            return;
        it.callee = true;
        it.called = visit->frames[i].cursor;
    } else if (!is_value) {
        return;   /* sizeof, typeof */
    } else if (user) {
        const CXCursor libc = libc_callee(visit, i);
        it.libc_function = clang_Cursor_isNull(libc) ? NULL : cursor_name(libc);
        it.libc_returns = it.libc_function && function_pointer_spelling(unit, clang_getCursorResultType(libc));
        it.to_libc_object = goes_to_libc_object(visit, i);
        it.compared = is_comparison(user->cursor);
    }
    *PUSH(unit->designators, unit->designator_count, unit->designator_capacity) = it;
}

static bool is_untyped(CXType type) {
    type = clang_getCanonicalType(type);
    return type.kind == CXType_Pointer && clang_getCanonicalType(clang_getPointeeType(type)).kind == CXType_Void;
}

/* A `void *` that is none of libc's (malloc) becomes a pointer to something, which may be a plugin's variable. Or a function
 * pointer becomes a `void *`. */
static void on_data_conversion(struct visit *visit, CXCursor cursor) {
    const CXCursor inner = strip_casts(last_expression(cursor));
    const CXType target = clang_getCursorType(cursor);
    struct unit *const unit = visit->unit;
    const char *const from = is_untyped(target) ? function_pointer_spelling(unit, clang_getCursorType(last_expression(cursor))) : NULL;
    if (from)
        *PUSH(unit->conversions, unit->conversion_count, unit->conversion_capacity) =
            (struct conversion) { cursor, from, NULL, from, 0, false };
    if (clang_Cursor_isNull(inner) || clang_getCanonicalType(target).kind != CXType_Pointer || is_untyped(target) ||
        !is_untyped(clang_getCursorType(inner)) || is_integer_constant(inner))
        return;
    const CXCursor function = clang_getCursorKind(inner) == CXCursor_CallExpr ? named_function(first_child(inner)) : clang_getNullCursor();
    if (clang_Cursor_isNull(function) || !in_system_header(function))
        note_lookup(visit, NULL, target);
}

static void on_conversion(struct visit *visit, CXCursor cursor, const struct frame *parent) {
    struct unit *const unit = visit->unit;
    const char *const to = function_pointer_spelling(unit, clang_getCursorType(cursor));
    if (!to) {
        on_data_conversion(visit, cursor);
        return;
    }
    if (parent && (parent->kind == CXCursor_InitListExpr || (parent->kind == CXCursor_UnexposedExpr &&
                   clang_getCursorKind(first_child(parent->cursor)) == CXCursor_MemberRef)))
        note_member_type(visit, to);
    const CXCursor inner = last_expression(cursor);
    if (clang_Cursor_isNull(inner))
        return;
    const CXType type = clang_getCursorType(inner);
    if (is_function(type))
        return;
    const char *const from = function_pointer_spelling(unit, type);
    if (from == to)
        return;
    const CXCursor value = strip_casts(inner);
    const bool constant = !clang_Cursor_isNull(named_function(value)) || is_integer_constant(value) || is_object_address(value);
    const bool untyped = is_untyped(type) && !constant;
    if (untyped)
        note_lookup(visit, looked_up(inner), clang_getCursorType(cursor));
    *PUSH(unit->conversions, unit->conversion_count, unit->conversion_capacity) =
        (struct conversion) { cursor, from, to, type_spelling(unit, type), untyped ? unit->lookup_count : 0, constant };
}

static void note_types_in(struct visit *visit, CXType type);

static enum CXVisitorResult note_field(CXCursor field, CXClientData data) {
    note_types_in(data, clang_getCursorType(field));
    return CXVisit_Continue;
}

/* The function-pointer types of the members that an object of a type holds itself. */
static void note_types_in(struct visit *visit, CXType type) {
    type = clang_getCanonicalType(type);
    const char *const spelling = function_pointer_spelling(visit->unit, type);
    if (spelling)
        note_member_type(visit, spelling);
    else if (is_array(type))
        note_types_in(visit, clang_getArrayElementType(type));
    else if (type.kind == CXType_Record)
        clang_Type_visitFields(type, note_field, visit);
}

static void on_assignment(struct visit *visit, CXCursor cursor) {
    if (!visit->function || clang_getCursorBinaryOperatorKind(cursor) != CXBinaryOperator_Assign)
        return;
    on_untyped_store(visit, cursor);
    if (clang_getCanonicalType(clang_getCursorType(cursor)).kind == CXType_Record) {
        note_types_in(visit, clang_getCursorType(cursor));
        return;
    }
    const char *const type = function_pointer_spelling(visit->unit, clang_getCursorType(cursor));
    if (type && !clang_Cursor_isNull(field_of(first_child(cursor))))
        note_member_type(visit, type);
}

/* Neither an atomic operation on an object nor libc carries its address on to another compartment, but libc one whose type it does not know. */
static bool stays_here(struct visit *visit) {
    CXCursor operands[ATOMIC_OPERANDS];
    size_t i = visit->depth - 1;
    for (; i > 0 && (visit->frames[i - 1].kind == CXCursor_UnexposedExpr || visit->frames[i - 1].kind == CXCursor_ParenExpr); i--)
        if (atomic_operands(visit->frames[i - 1].cursor, operands))
            return !is_atomic_value(visit->frames[i].cursor, operands[0]);
    const CXCursor function = i > 0 ? libc_callee(visit, i) : clang_getNullCursor();
    if (clang_Cursor_isNull(function))
        return false;
    const CXType parameter = clang_getCanonicalType(clang_getArgType(clang_getCursorType(function), visit->frames[i].index - 1));
    return parameter.kind == CXType_Pointer &&
           clang_getCanonicalType(clang_getPointeeType(parameter)).kind != CXType_Void;
}

/* The address of `lvalue` is taken; only what is decided by type is of interest. */
static void on_address(struct visit *visit, CXCursor cursor, CXCursor lvalue, CXType pointee) {
    struct unit *const unit = visit->unit;
    const enum CXTypeKind kind = clang_getCanonicalType(pointee).kind;
    if (kind != CXType_Record && kind != CXType_Pointer)
        return;
    const CXCursor variable = base_variable(lvalue);
    if (!clang_Cursor_isNull(variable) && !stays_here(visit))
        *PUSH(unit->addresses, unit->address_count, unit->address_capacity) =
            (struct address) { cursor, variable, type_spelling(unit, pointee) };
}

/* An array that decays to a pointer gives its address away, except as the operand of a subscript. */
static void on_decay(struct visit *visit, CXCursor cursor, const struct frame *parent) {
    if (parent && parent->kind == CXCursor_ArraySubscriptExpr)
        return;
    const CXType type = clang_getCanonicalType(clang_getCursorType(cursor));
    if (type.kind != CXType_Pointer)
        return;
    const CXCursor inner = first_child(cursor);
    const CXType array = clang_getCanonicalType(clang_getCursorType(inner));
    if (array.kind != CXType_ConstantArray && array.kind != CXType_VariableArray)
        return;
    on_address(visit, cursor, inner, clang_getPointeeType(type));
}

static void note_declaration(struct visit *visit, CXCursor cursor) {
    struct unit *const unit = visit->unit;
    if (clang_getCursorLinkage(cursor) != CXLinkage_External)
        return;
    const char *const name = cursor_name(cursor);
    if (plan_import(visit->plan, name) || plan_is_entry(visit->plan, name))
        *PUSH(unit->declarations, unit->declaration_count, unit->declaration_capacity) =
            (struct declaration) { cursor, name, clang_isCursorDefinition(cursor) };
}

static void note_shared_variable(struct visit *visit, CXCursor cursor) {
    struct unit *const unit = visit->unit;
    const char *const name = cursor_name(cursor);
    if (clang_Cursor_getStorageClass(cursor) != CX_SC_Extern && (plan_is_shared(visit->plan, name) || is_marked_shared(cursor)))
        *PUSH(unit->shared_variables, unit->shared_variable_count, unit->shared_variable_capacity) =
            (struct declaration) { cursor, name, clang_isCursorDefinition(cursor) };
}

static enum CXChildVisitResult on_cursor(CXCursor cursor, CXCursor parent_cursor, CXClientData data) {
    struct visit *const visit = data;
    while (visit->depth > 1 && !clang_equalCursors(visit->frames[visit->depth - 1].cursor, parent_cursor))
        visit->depth--;
    const unsigned index = visit->frames[visit->depth - 1].children++;
    const enum CXCursorKind kind = clang_getCursorKind(cursor);
    *PUSH(visit->frames, visit->depth, visit->capacity) = (struct frame) { cursor, kind, index, 0 };
    const struct frame *const parent = &visit->frames[visit->depth - 2];
    flow_note(visit->unit, cursor, visit->function ? visit->function->cursor : clang_getNullCursor());
    switch (kind) {
    case CXCursor_CallExpr:
        on_call(visit, cursor);
        break;
    case CXCursor_DeclRefExpr: {
        const CXCursor function = clang_getCursorReferenced(cursor);
        if (clang_getCursorKind(function) == CXCursor_FunctionDecl)
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
        if (clang_getCursorUnaryOperatorKind(cursor) == CXUnaryOperator_AddrOf) {
            const CXCursor operand = first_child(cursor);
            on_address(visit, cursor, operand, clang_getCursorType(operand));
        }
        break;
    case CXCursor_BinaryOperator:
        on_assignment(visit, cursor);
        break;
    case CXCursor_FunctionDecl:   /* declared where it is used */
    case CXCursor_VarDecl:
        note_declaration(visit, cursor);
        if (kind == CXCursor_VarDecl && clang_Cursor_getStorageClass(cursor) == CX_SC_Static)
            note_shared_variable(visit, cursor);
        break;
    default:
        break;
    }
    return CXChildVisit_Recurse;
}

static void visit_body(struct visit *visit, CXCursor declaration) {
    visit->depth = 0;
    *PUSH(visit->frames, visit->depth, visit->capacity) =
        (struct frame) { declaration, clang_getCursorKind(declaration), 0, 0 };
    clang_visitChildren(declaration, on_cursor, visit);
}

struct annotated {
    struct unit *unit;
    CXCursor function;
};

static enum CXChildVisitResult note_annotation(CXCursor child, CXCursor parent, CXClientData data) {
    const struct annotated *const it = data;
    (void)parent;
    if (clang_getCursorKind(child) == CXCursor_AnnotateAttr && !strncmp(cursor_name(child), "ia2_", 4))
        *PUSH(it->unit->annotations, it->unit->annotation_count, it->unit->annotation_capacity) =
            (struct annotation) { it->function, cursor_name(child), clang_isCursorDefinition(it->function) };
    return CXChildVisit_Continue;
}

static enum CXChildVisitResult on_declaration(CXCursor cursor, CXCursor parent, CXClientData data) {
    struct visit *const visit = data;
    struct unit *const unit = visit->unit;
    (void)parent;
    const enum CXCursorKind kind = clang_getCursorKind(cursor);
    if (kind != CXCursor_FunctionDecl && kind != CXCursor_VarDecl)
        return CXChildVisit_Continue;
    const bool is_static = clang_getCursorLinkage(cursor) == CXLinkage_Internal;
    const bool definition = clang_isCursorDefinition(cursor);
    const char *const name = cursor_name(cursor);
    note_declaration(visit, cursor);
    if (in_system_header(cursor))
        return CXChildVisit_Continue;
    const bool guide = kind == CXCursor_VarDecl && !strncmp(name, "ia2_guide_", 10);
    if ((kind == CXCursor_FunctionDecl || guide) && clang_Cursor_hasAttrs(cursor))
        clang_visitChildren(cursor, note_annotation, &(struct annotated) { unit, cursor });
    visit->function = NULL;
    if (guide)
        *PUSH(unit->guide_numbers, unit->guide_number_count, unit->guide_number_capacity) = (struct guide_number) { cursor, name };
    if (kind == CXCursor_VarDecl) {
        note_shared_variable(visit, cursor);
        flow_note(unit, cursor, clang_getNullCursor());
        visit_body(visit, cursor);
    } else if (definition) {
        struct function *const it = PUSH(unit->functions, unit->function_count, unit->function_capacity);
        it->name = name;
        it->cursor = cursor;
        it->is_static = is_static;
        visit->function = it;
        visit_body(visit, cursor);
    }
    return CXChildVisit_Continue;
}

static void revive(const struct map *dead, const char *const *references, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct function *const it = map_get(dead, key_of(references[i]));
        if (it && it->dead) {
            it->dead = false;
            revive(dead, it->references, it->reference_count);
        }
    }
}

/* Inline functions that nothing else leads to. */
static void find_dead_functions(struct unit *unit) {
    struct map dead = { 0 };
    for (size_t i = 0; i < unit->function_count; i++) {
        struct function *const it = &unit->functions[i];
        it->dead = it->is_static && clang_Cursor_isFunctionInlined(it->cursor);
        if (it->dead)
            map_put(&dead, key_of(it->name), it);
    }
    revive(&dead, unit->references, unit->reference_count);
    for (size_t i = 0; i < unit->function_count; i++)
        if (!unit->functions[i].dead)
            revive(&dead, unit->functions[i].references, unit->functions[i].reference_count);
    map_free(&dead);
}

void analyze_unit(struct unit *unit, const struct plan *plan) {
    struct visit visit = { .unit = unit, .plan = plan };
    clang_visitChildren(clang_getTranslationUnitCursor(unit->tu), on_declaration, &visit);
    free(visit.frames);
    find_dead_functions(unit);
}
