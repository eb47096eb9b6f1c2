#include "rewrite.h"

#include <stdlib.h>
#include <string.h>

#include "abi/mangle.h"
#include "abi/signature.h"
#include "analysis/conversions.h"
#include "analysis/escape.h"
#include "analysis/gates.h"
#include "analysis/kept_functions.h"
#include "analysis/no_wrap.h"
#include "argument.h"
#include "base/intern.h"
#include "callbacks.h"
#include "copies.h"
#include "edits.h"
#include "macro_use.h"
#include "pasted.h"
#include "shadows.h"
#include "variadic.h"

static bool designator_escapes(const struct program *program, const struct designator *designator)
{
    if (designator->callee)
        return false;
    for (size_t i = 0; i < 4; i++)
        if (escapes(program, designator->types[i]))
            return true;
    return false;
}

/* What libc gives back (an old signal handler) is a gate there too, so that it is the same value
 * wherever the program compares or calls it; unless libc calls the function through another type
 * than it has. */
static bool is_for_libc_alone(const struct program *program, struct unit *unit,
                              const struct designator *designator)
{
    if (!designator->to_libc_object &&
        (!designator->libc_function || gates_defines(program, designator->libc_function)))
        return false;
    if (!designator->to_libc_object && !designator->libc_returns)
        return true;
    const struct type type = cursor_type(designator->function);
    return is_variadic(type) ||
           function_mangled(unit, type) !=
               function_mangled(unit, type_pointee(type_canonical(designator->target)));
}

/* An address of a function of libc that gets a gate. */
struct libc_use {
    const char *name;
    unsigned compartment;
    bool compared; /* only compared with */
    struct cursor reference;
};

/* A function that is declared by text of a macro: by the name in a list, `#define EACH(X) X(open)
 * X(close)`, or by an alias,
 * `#define free_it lib_free_it`. */
struct declared {
    struct cursor function;
    struct span span;
};

/* What is known on the way through the units. */
struct found {
    struct libc_use *libc_uses;
    size_t libc_use_count, libc_use_capacity;
    struct declared *declared;
    size_t declared_count, declared_capacity;
    struct map declared_places; /* set of the places of their names */
    struct shadows shadows;
};

struct declarations {
    struct found *found;
    struct unit *unit;
};

static enum CXChildVisitResult note_declared(struct cursor cursor, struct cursor parent, void *data)
{
    const struct declarations *const declarations = data;
    struct found *const found = declarations->found;
    struct unit *const unit = declarations->unit;
    struct span span;
    (void)parent;
    if (cursor_kind(cursor) == CXCursor_FunctionDecl && !in_system_header(cursor) &&
        span_of_name(unit, cursor, cursor_name(cursor), &span) && span.kind != PLACE_FILE) {
        *PUSH(found->declared, found->declared_count, found->declared_capacity) =
            (struct declared){cursor, span};
        map_add(&found->declared_places, span_key(&span));
    }
    return CXChildVisit_Continue;
}

/* Where a macro that is nothing but the name is used. */
static bool span_of_alias(struct unit *unit, struct cursor reference, struct span *span)
{
    const struct place use = place_in_file(unit, cursor_location(reference));
    if (span->kind != PLACE_BODY || !use.source ||
        !source_starts_macro_body(span->source, span->begin) ||
        !source_ends_macro_body(span->source, span->end))
        return false;
    const size_t end = use.offset + source_identifier(use.source, use.offset);
    if (end == use.offset || use.source->text[source_skip_blank(use.source, end)] == '(')
        return false;
    *span = (struct span){use.source, use.offset, end, PLACE_ARG};
    return true;
}

/* `&f` in the body of a macro, of which libclang does not say where it ends. */
static bool span_of_address(struct unit *unit, const struct designator *designator,
                            const char *name, struct span *span)
{
    const struct place begin = place_of(unit, cursor_begin(designator->whole));
    if (!span_of_name(unit, designator->reference, name, span) || begin.kind != PLACE_BODY ||
        span->kind != PLACE_BODY || begin.source != span->source ||
        begin.source->text[begin.offset] != '&' ||
        source_skip_blank(begin.source, begin.offset + 1) != span->begin)
        return false;
    span->begin = begin.offset;
    return true;
}

/* `&f` becomes IA2_FN(f) as a whole. */
static bool designator_span(const struct found *found, struct unit *unit,
                            const struct designator *designator, const char *name,
                            struct span *span)
{
    if (!cursor_equal(designator->whole, designator->reference))
        return span_of(unit, designator->whole, span) ||
               span_of_address(unit, designator, name, span);
    if (!span_of_name(unit, designator->reference, name, span))
        return false;
    if (map_get(&found->declared_places, span_key(span)))
        span_of_alias(unit, designator->reference, span);
    return true;
}

/* A type without prototype promises nothing about parameters: its calls say what they pass. */
static bool same_abi(const char *function, const char *target, struct type target_type)
{
    if (type_canonical(target_type).kind == CXType_FunctionNoProto)
        return !strncmp(function, target, strcspn(target, "(") + 1);
    return function == target;
}

/* A macro may use the text of a direct callee as a value too, or call through it: `((f) ? (f)(1) :
 * 0)`. The gate serves both. */
static bool callee_is_edited(struct unit *unit, const struct designator *designator,
                             const char *name)
{
    struct span span;
    return (span_of_name(unit, designator->reference, name, &span) &&
            edit_at_name(unit->program->edits, span.source, span.begin)) ||
           (span_of_callee(unit, designator->called, &span) && span.kind == PLACE_BODY &&
            edit_at_name(unit->program->edits, span.source, span.begin));
}

/* The macro of IA2's guide that the program has written around a function's name: IA2_IGNORE, or
 * (the span then grows to all of it) IA2_FN and IA2_FN_ADDR. */
static enum guide_macro { NO_GUIDE_MACRO, GUIDE_IGNORE, GUIDE_FN } guide_macro(struct span *span)
{
    static const struct {
        const char *text;
        enum guide_macro macro;
    } macros[] = {{"IA2_IGNORE(", GUIDE_IGNORE}, {"IA2_FN(", GUIDE_FN}, {"IA2_FN_ADDR(", GUIDE_FN}};
    for (size_t i = 0; span->kind == PLACE_ARG && i < sizeof(macros) / sizeof(*macros); i++) {
        const size_t length = strlen(macros[i].text),
                     end = source_skip_blank(span->source, span->end);
        if (span->begin < length ||
            strncmp(span->source->text + span->begin - length, macros[i].text, length))
            continue;
        if (macros[i].macro == GUIDE_FN && span->source->text[end] != ')')
            continue;
        if (macros[i].macro == GUIDE_FN)
            *span = (struct span){span->source, span->begin - length, end + 1, PLACE_FILE};
        return macros[i].macro;
    }
    return NO_GUIDE_MACRO;
}

/* What a variadic function is called with: through the type it goes to, or if it goes by another
 * type than its own, through its own. */
static const struct variadic_lists *lists_through(struct unit *unit,
                                                  const struct designator *designator)
{
    const char *const target = function_pointer_spelling(unit, designator->target);
    const bool comes_back =
        designator->types[0] != target &&
        conversions_reach(unit->program->conversions, target, designator->types[0]);
    if (!comes_back && !is_variadic(type_pointee(type_canonical(designator->target))))
        return NULL;
    return variadic_lists(unit->program, comes_back ? designator->types[0] : target);
}

static void refuse_value(const struct designator *designator, const char *reason,
                         const char *remedy)
{
    refuse_at(designator->reference,
              intern_format("address of %s", cursor_name(designator->function)), reason, remedy);
}

/* Where the function's value is made: of a name, of a name that a macro puts together, or
 * (`replaced`) of more than a name. */
struct value_text {
    struct span span;
    bool pasted, replaced;
};

/* Requests that the text becomes the value of the function's gate, by a macro of ia2.h. */
static void edit_value(struct found *found, struct unit *unit, const struct designator *designator,
                       const struct value_text *at, const char *macro)
{
    const char *const name = cursor_name(designator->function), *const text = intern_format(
                                                                    "%s(%s)", macro, name);
    const char *const lvalue = intern_format("(*%s)", text); /* a macro may write a `&` before */
    const bool whole = !cursor_equal(designator->whole, designator->reference);
    const unsigned roles = argument_roles(unit->program->macros, &at->span);
    if (at->pasted && !(roles & ROLE_STRING))
        pasted_rewrite(unit, designator->reference, name, lvalue);
    else if (roles && !whole &&
             argument_rewrite(unit, &at->span, roles, name, lvalue, designator->reference))
        ; /* in the macro */
    else if (roles == ROLE_STRING && !whole &&
             shadow_function(&found->shadows, unit, designator, &at->span, macro))
        ; /* around the statement */
    else if (roles & ROLE_STRING)
        refuse_value(
            designator,
            "a macro makes a string of the function's name too, which would show what the name is "
            "rewritten to",
            "give the macro the function in an argument that it does not make a string of");
    else if (at->replaced)
        edit_wrap(unit->program->edits, &at->span, EDIT_REPLACE, text, "", designator->reference);
    else
        edit_wrap(unit->program->edits, &at->span, EDIT_NAME, intern_format("%s(", macro), ")",
                  designator->reference);
}

/* The gate that the value is; NULL if refused. */
static const struct gate *gate_of_value(struct program *program, struct unit *unit,
                                        const struct designator *designator)
{
    const struct variadic_lists *calls = NULL;
    const char *const target_pointer = function_pointer_spelling(unit, designator->target);
    const bool crosses = escapes_by_boundary(program, target_pointer);
    if (is_variadic(cursor_type(designator->function))) {
        calls = lists_through(unit, designator);
        if (!calls && (designator->compared || !crosses))
            calls = variadic_uncalled(unit, designator->function);
        if (!calls) {
            refuse_value(designator,
                         "the function is variadic, and no call through the type shows what it is "
                         "called with",
                         "use a function of plain parameters (va_list is one)");
            return NULL;
        }
    }
    const bool given = !designator->compared && !is_kept(unit, designator->reference);
    const struct gate *const gate =
        gate_for_value(program, unit, designator->function, calls, given, designator->reference);
    const struct type target_type = type_pointee(type_canonical(designator->target));
    const char *const target = function_mangled(unit, target_type);
    if (!gate || calls || designator->compared || !crosses ||
        same_abi(gate->abi, target, target_type) ||
        conversions_reach_abi(program->conversions, target_pointer, gate->abi))
        return gate;
    refuse_value(designator,
                 intern_format("it passes arguments as %s and is converted to a type that passes "
                               "them as %s, so a call "
                               "through that type would be stopped",
                               gate->abi, target),
                 "give the function the parameters of the type it is used as");
    return NULL;
}

/* Whether a function of libc calls what it is given. */
static bool calls_back(struct unit *unit, struct cursor function)
{
    const struct type type = type_canonical(cursor_type(function));
    for (int i = 0; type.kind == CXType_FunctionProto && i < type_argument_count(type); i++)
        if (function_pointer_spelling(unit, type_argument(type, (unsigned)i)) ||
            escape_is_callback_record(unit, type_argument(type, (unsigned)i)))
            return true;
    return false;
}

static void rewrite_designator(struct found *found, struct program *program, struct unit *unit,
                               const struct designator *designator)
{
    const char *const name = cursor_name(designator->function);
    const bool whole = !cursor_equal(designator->whole, designator->reference);
    struct value_text at = {0};
    if (designator->callee && plan_import(&program->plan, name) &&
        is_variadic(cursor_type(designator->function)))
        return; /* variadic.c */
    const bool has_text = designator_span(found, unit, designator, name, &at.span);
    const enum guide_macro guide = has_text ? guide_macro(&at.span) : NO_GUIDE_MACRO;
    if (guide == GUIDE_IGNORE)
        return;
    const bool escapes =
        guide == GUIDE_FN || (designator->callee ? callee_is_edited(unit, designator, name)
                                                 : designator_escapes(program, designator));
    if (!escapes || is_for_libc_alone(program, unit, designator) ||
        gates_is_absent(unit, designator->function)) {
        if (has_text)
            edit_veto(unit->program->edits, &at.span, EDIT_NAME, designator->reference);
        return;
    }
    if (no_wrap_has(program, unit, designator->function)) {
        refuse_value(
            designator,
            "it is declared after IA2_BEGIN_NO_WRAP, so it has no gate, and a call of it from "
            "another compartment would be stopped",
            "take it out of IA2_BEGIN_NO_WRAP, or write IA2_IGNORE around it if only libc gets it");
        return;
    }
    at.pasted = !has_text && pasted_span(unit, designator->reference, name, &at.span);
    at.replaced = whole || guide == GUIDE_FN;
    if (!has_text && !at.pasted) {
        refuse_value(designator,
                     "its name is put together by a macro, so there is no text to rewrite",
                     "write the function's name out, or pass it to the macro as an argument");
        return;
    }
    const bool is_static = cursor_linkage(designator->function) == CXLinkage_Internal;
    const bool is_libc = !is_static && gates_is_libc(program, designator->function);
    if (is_libc && !designator->compared && calls_back(unit, designator->function)) {
        refuse_value(designator,
                     "other compartments may get it, and it would call whatever function they pass "
                     "with the rights of this compartment",
                     "give away a function of the program's own that calls it");
        return;
    }
    edit_value(found, unit, designator, &at,
               is_static ? "IA2_FN_STATIC"
               : is_libc ? "IA2_FN_LIBC"
                         : "IA2_FN");
    if (is_static)
        edit_declare(unit->program->edits, at.span.source,
                     intern_format("IA2_DECLARE_GATE_STATIC(%s);", name));
    if (is_static && designator->user && unit->functions[designator->user - 1].dead)
        return; /* no gate: its target would be compiled, and need what this compartment may not
                   have */
    const struct gate *const gate = gate_of_value(program, unit, designator);
    if (!gate)
        return;
    if (is_libc) {
        edit_declare(unit->program->edits, at.span.source,
                     intern_format("IA2_DECLARE_GATE_LIBC(%s);", name));
        *PUSH(found->libc_uses, found->libc_use_count, found->libc_use_capacity) =
            (struct libc_use){name, unit->plan->compartment, designator->compared,
                              designator->reference};
    } else if (!is_static)
        edit_declare_gate(unit->program->edits, at.span.source, name,
                          gate->owner == unit->plan->compartment);
    else if (unit->main_file)
        edit_append(unit->program->edits, unit->main_file,
                    intern_format("IA2_STATIC_TARGET(%s);", name), unit->plan->id);
}

/* What one compartment gives away as libc's function is a gate of its own, which another's
 * comparison with that function does not know. */
static void refuse_foreign_comparisons(const struct found *found, const struct plan *plan)
{
    const struct libc_use *const libc_uses = found->libc_uses;
    for (size_t i = 0; i < found->libc_use_count; i++)
        for (size_t j = 0; libc_uses[i].compared && j < found->libc_use_count; j++) {
            const struct libc_use *const libc_use = &libc_uses[i], *const given = &libc_uses[j];
            if (given->compared || given->name != libc_use->name ||
                given->compartment == libc_use->compartment)
                continue;
            const char *file;
            unsigned line, column;
            cursor_position(given->reference, &file, &line, &column);
            refuse_at(
                libc_use->reference, intern_format("comparison with %s", libc_use->name),
                intern_format("compartment %s gives its address away too (%s:%u), and each "
                              "compartment's address of a function of libc is another, "
                              "so the two would differ",
                              plan->compartments[given->compartment - 1].name, file, line),
                intern_format("give away and compare a function of the program's own that calls %s",
                              libc_use->name));
            break;
        }
}

/* The text to check: the callee's, or that of the pointer in `(*pointer)(...)`, where a macro makes
 * the rest. */
static bool callee_span(struct unit *unit, struct cursor callee, struct span *span)
{
    const struct cursor whole = callee;
    while (!span_of(unit, callee, span)) {
        const struct cursor inner = strip_implicit(callee);
        if (cursor_kind(inner) != CXCursor_UnaryOperator ||
            cursor_unary_operator(inner) != CXUnaryOperator_Deref)
            return span_of_callee(unit, whole, span) ||
                   span_of(unit, inner, span); /* `((p)->f)`: without the parentheses */
        callee = first_child(inner);
    }
    return true;
}

/* The program's own IA2_CALL(pointer, id) gives no type to check; the one that the rewriter puts
 * around it, or around the pointer in it, does. The callee that the macro itself makes is narrowed
 * to the pointer. */
static void drop_guide_call(struct unit *unit, struct cursor expression, struct span *callee)
{
    static const char own[] = "IA2_CALL(";
    const size_t length = sizeof(own) - 1;
    struct span pointer;
    if (!callee->source->rel_count && span_of(unit, strip_implicit(expression), &pointer))
        *callee = pointer;
    const char *const text = callee->source->text;
    size_t begin = callee->begin;
    if (strncmp(text + begin, own, length)) {
        while (begin && strchr(" \t\n", text[begin - 1]))
            begin--;
        if (begin < length || strncmp(text + begin - length, own, length))
            return;
        begin -= length;
    }
    const struct span name = {callee->source, begin, begin + length - 1, PLACE_FILE};
    if (!begin || !source_identifier(callee->source, begin - 1))
        edit_wrap(unit->program->edits, &name, EDIT_REPLACE, "IA2_CALLED", "", expression);
}

static void rewrite_indirect_call(struct program *program, struct unit *unit,
                                  const struct call *call)
{
    struct span span;
    const bool editable = callee_span(unit, call->callee, &span);
    if (editable)
        drop_guide_call(unit, call->callee, &span);
    if (!escapes(program, call->type)) {
        if (editable)
            edit_veto(unit->program->edits, &span, EDIT_CALL, call->call);
        return;
    }
    if (written_in_system_header(
            call->callee)) /* by a macro such as pthread_cleanup_push: libc's call */
        return;
    if (!editable) {
        refuse_at(
            call->call, intern_format("call through %s", call->type),
            "the pointer's expression is partly made by a macro, so there is no text to rewrite",
            "assign the pointer to a local variable first and call that");
        return;
    }
    struct signature signature = signature_of_call(callee_type(call->callee), call->call);
    const uint32_t hash = mangle_hash(signature_mangled(unit, &signature));
    signature_free(&signature);
    edit_wrap(unit->program->edits, &span, EDIT_CALL, "IA2_CALL(",
              intern_format(", 0x%08xu)", hash), call->call);
}

static void rewrite_unit(struct found *found, struct program *program, struct unit *unit)
{
    for (size_t i = 0; i < unit->designator_count; i++)
        if (!unit->designators[i].callee)
            rewrite_designator(found, program, unit, &unit->designators[i]);
    for (size_t i = 0; i < unit->call_count; i++) {
        const struct call *const call = &unit->calls[i];
        if (call->type)
            rewrite_indirect_call(program, unit, call);
        if (!call->type || escapes_by_boundary(program, call->type))
            copies_of_call(program, unit, call);
    }
    callbacks_rewrite(program, unit);
    for (size_t i = 0; i < unit->conversion_count; i++)
        conversion_check(program, unit, &unit->conversions[i]);
}

static void veto_declarations(struct edits *edits, const struct found *found)
{
    for (size_t i = 0; i < found->declared_count; i++) {
        const struct declared *const declared = &found->declared[i];
        if (edit_at_name(edits, declared->span.source, declared->span.begin))
            edit_veto(edits, &declared->span, EDIT_NAME, declared->function);
    }
}

void rewrite_pointers(struct program *program)
{
    struct found found = {0};
    pasted_begin(program);
    for (size_t u = 0; u < program->unit_count; u++)
        cursor_visit(tree_root(program->units[u].tree), note_declared,
                     &(struct declarations){&found, &program->units[u]});
    for (size_t u = 0; u < program->unit_count; u++)
        rewrite_unit(&found, program, &program->units[u]);
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t i = 0; i < program->units[u].designator_count; i++)
            if (program->units[u].designators[i].callee)
                rewrite_designator(&found, program, &program->units[u],
                                   &program->units[u].designators[i]);
    variadic_rewrite(program);
    shadows_edit(&found.shadows, program);
    veto_declarations(program->edits, &found);
    copies_check_used(program);
    refuse_foreign_comparisons(&found, &program->plan);
    map_free(&found.declared_places);
    free(found.declared);
    free(found.libc_uses);
}
