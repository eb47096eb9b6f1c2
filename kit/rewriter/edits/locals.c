#include "locals.h"

#include <stdlib.h>
#include <string.h>

#include "abi/signature.h"
#include "analysis/conversions.h"
#include "analysis/escape.h"
#include "analysis/handed_down.h"
#include "cleanup.h"
#include "copies.h"
#include "base/diag.h"
#include "edits.h"
#include "literals.h"
#include "may_cross.h"
#include "moved.h"

/* Whether an argument for a parameter of this type gives the callee memory it cannot reach by
 * itself. */
static bool parameter_crosses(const struct program *program, const struct unit *unit,
                              struct type parameter)
{
    const struct type type = type_canonical(parameter);
    if (type.kind != CXType_Pointer || is_va_list_parameter(type) ||
        is_function(type_pointee(type)))
        return false;
    return !(type_is_const(type_pointee(type)) &&
             plan_readable_by_all(&program->plan, unit->plan->compartment));
}

static bool crosses(const struct program *program, const struct call *call)
{
    return call->import ? !call->import->data : escapes_by_boundary(program, call->type);
}

static void collect_pointees(struct program *program, struct unit *unit)
{
    struct map *const found = &program->locals->crossing_pointees[unit->plan->compartment];
    /* With a grant the others read what lies deeper where it is; what they write is what they get a
     * pointer to. */
    const bool deep = !plan_readable_by_all(&program->plan, unit->plan->compartment);
    for (size_t i = 0; i < unit->call_count; i++) {
        const struct call *const call = &unit->calls[i];
        if (!crosses(program, call))
            continue;
        struct signature passed = signature_of_call(callee_type(call->callee), call->call);
        for (size_t p = 0; p < passed.count; p++)
            if (parameter_crosses(program, unit, passed.parameters[p]) &&
                !copy_of_argument(program, call, (unsigned)p))
                escape_pointees(unit, passed.parameters[p], deep, found);
        /* What else a variadic function is given, the callee takes with va_arg. */
        for (size_t p = passed.fixed; p < passed.count; p++)
            escape_add(program, unit, passed.parameters[p]);
        signature_free(&passed);
    }
}

static void refuse_global(struct cursor variable, struct cursor cause, const char *name)
{
    const bool local = cursor_linkage(variable) == CXLinkage_NoLinkage;
    refuse_at(cause,
              intern_format("address of %s variable %s", local ? "static local" : "global", name),
              "it crosses the boundary, and the variable lies in its compartment's private memory",
              intern_format("add \"%s\" to variables under [shared] in the policy", name));
}

/* libclang knows no parent of an expression. */
static struct cursor enclosing_function(struct unit *unit, struct cursor expression)
{
    const struct place at = place_in_file(unit, cursor_location(expression));
    for (size_t i = 0; i < unit->function_count; i++) {
        const struct place begin = place_in_file(unit, cursor_begin(unit->functions[i].cursor));
        if (begin.source == at.source && begin.offset <= at.offset &&
            at.offset < location_spots(cursor_end(unit->functions[i].cursor)).seen.offset)
            return unit->functions[i].cursor;
    }
    return no_cursor();
}

static void take_literal(struct program *program, struct unit *unit, struct cursor literal,
                         struct cursor cause)
{
    if (is_constant(cursor_type(literal)) &&
        plan_readable_by_all(&program->plan, unit->plan->compartment))
        return;
    const struct cursor function = enclosing_function(unit, literal);
    if (cursor_is_null(function))
        refuse_at(
            cause, "address of a compound literal outside of a function",
            "it crosses the boundary, and the object lies in its compartment's private memory",
            "give it a name, and add that to variables under [shared] in the policy");
    else if (map_add(&program->locals->moved, cursor_key(literal)))
        *PUSH(program->locals->literals, program->locals->literal_count,
              program->locals->literal_capacity) = (struct moved_literal){unit, literal, function};
}

static void move(struct unit *unit, struct cursor variable, const char *name)
{
    struct locals *const locals = unit->program->locals;
    if (!map_add(&locals->moved, cursor_key(variable)))
        return;
    struct moved_local *const local = PUSH(locals->list, locals->count, locals->capacity);
    unsigned column;
    *local = (struct moved_local){.unit = unit,
                                  .variable = variable,
                                  .function = cursor_parent(variable),
                                  .name = name,
                                  .type = type_text(cursor_type(variable))};
    cursor_position(variable, &local->file, &local->line, &column);
}

/* libc's own; whoever can write one says where its setter goes on. To others its address is a name,
 * no more. */
static bool is_jump_buffer(struct type type)
{
    type = type_canonical(type);
    while (is_array(type))
        type = type_canonical(type_element(type));
    return type.kind == CXType_Record &&
           !strcmp(cursor_name(type_declaration(type)), "__jmp_buf_tag");
}

/* A variable that is not automatic, and not open to others. */
static bool is_private_global(const struct program *program, struct cursor variable)
{
    return cursor_kind(variable) == CXCursor_VarDecl && !is_automatic(variable) &&
           !plan_is_shared(&program->plan, cursor_name(variable)) && !is_marked_shared(variable) &&
           !is_constant(cursor_type(variable)) && !in_system_header(variable);
}

/* The address of `variable` crosses the boundary at `cause`. */
static void take(struct program *program, struct unit *unit, struct cursor variable,
                 struct cursor cause)
{
    if (cursor_is_null(variable) || is_jump_buffer(cursor_type(variable)))
        return;
    const char *const name = cursor_name(variable);
    if (cursor_kind(variable) == CXCursor_CompoundLiteralExpr) {
        take_literal(program, unit, variable, cause);
    } else if (is_automatic(variable)) {
        move(unit, variable, name);
    } else if (is_private_global(program, variable)) {
        refuse_global(variable, cause, name);
    }
}

static enum CXVisitorResult find_jump_buffer(struct cursor field, void *data)
{
    bool *const found = data;
    const struct type type = type_canonical(cursor_type(field));
    *found = is_jump_buffer(type);
    if (!*found && type.kind == CXType_Record)
        type_visit_fields(type, find_jump_buffer, found);
    return *found ? CXVisit_Break : CXVisit_Continue;
}

/* By flow, which may be wrong: a record with a jump buffer stays too, and which global it is that
 * crosses, if any, the flow alone does not say. */
static void take_flowing(struct program *program, struct unit *unit, struct cursor variable,
                         struct cursor cause)
{
    bool jumps = false;
    if (is_private_global(program, variable)) {
        may_cross_note(program->may_cross, variable, cause);
        return;
    }
    if (type_canonical(cursor_type(variable)).kind == CXType_Record)
        type_visit_fields(type_canonical(cursor_type(variable)), find_jump_buffer, &jumps);
    if (!jumps)
        take(program, unit, variable, cause);
}

static void take_argument(struct program *program, struct unit *unit, struct cursor argument,
                          bool direct)
{
    flow_handed_down(program, unit, argument, false, take);
    if (direct)
        flow_handed_down(program, unit, argument, true, take);
    flow_value(program, unit, argument, take_flowing);
}

static void take_arguments(struct program *program, struct unit *unit, const struct call *call)
{
    struct signature passed = signature_of_call(callee_type(call->callee), call->call);
    const int arguments = cursor_argument_count(call->call);
    for (int i = 0; i < arguments && i < (int)passed.count; i++)
        if (parameter_crosses(program, unit, passed.parameters[i]) &&
            !copy_of_argument(program, call, (unsigned)i)) {
            take_argument(program, unit, cursor_argument(call->call, (unsigned)i), call->import);
            if (!plan_readable_by_all(&program->plan, unit->plan->compartment))
                flow_reachable(program, unit, passed.parameters[i], take_flowing);
        }
    signature_free(&passed);
}

static void find(struct program *program, struct unit *unit)
{
    for (size_t i = 0; i < unit->address_count; i++) {
        const struct address *const address = &unit->addresses[i];
        if (map_get(&program->locals->crossing_pointees[unit->plan->compartment],
                    key_of(address->pointee)))
            take(program, unit, address->variable, address->cursor);
    }
    for (size_t i = 0; i < unit->attributed_local_count; i++) {
        struct cleanup cleanup;
        const struct import *const import = cleanup_of(unit, unit->attributed_locals[i], &cleanup)
                                                ? plan_import(&program->plan, cleanup.function)
                                                : NULL;
        if (import && import->callers & 1u << unit->plan->compartment)
            take(program, unit, unit->attributed_locals[i], unit->attributed_locals[i]);
    }
    for (size_t i = 0; i < unit->call_count; i++)
        if (crosses(program, &unit->calls[i]))
            take_arguments(program, unit, &unit->calls[i]);
}

/* What an object that others can write holds, they can read too: unless a grant has them read it
 * where it is. */
static void open_contents(struct program *program, struct unit *unit, struct cursor variable)
{
    if (cursor_linkage(variable) == CXLinkage_External)
        flow_shared(program, unit, variable, take_flowing);
    else if (!plan_readable_by_all(&program->plan, unit->plan->compartment))
        flow_variable(program, unit, variable, take_flowing);
    flow_reachable(program, unit, cursor_type(variable), take_flowing);
}

/* The declaration of a moved local in the text that another unit compiles too. */
struct twin {
    struct unit *unit;
    const struct moved_local *local;
    struct place place;
};

static enum CXChildVisitResult move_twin(struct cursor cursor, struct cursor parent, void *data)
{
    const struct twin *const twin = data;
    const enum CXCursorKind kind = cursor_kind(cursor);
    (void)parent;
    if ((kind == CXCursor_VarDecl || kind == CXCursor_ParmDecl) && is_automatic(cursor) &&
        cursor_name(cursor) == twin->local->name) {
        const struct place place = place_in_file(twin->unit, cursor_location(cursor));
        if (place.source == twin->place.source && place.offset == twin->place.offset)
            move(twin->unit, cursor, twin->local->name);
    }
    return CXChildVisit_Recurse;
}

/* An inline function of a header has one text for all units that read it. Where its local need not
 * move, moving it does no harm but that others can reach it, so it moves in all of them. */
static void move_in_all_units(struct program *program, const struct moved_local *local)
{
    const char *const function = cursor_name(local->function);
    struct twin twin = {.local = local,
                        .place = place_in_file(local->unit, cursor_location(local->variable))};
    for (size_t u = 0; twin.place.source && u < program->unit_count; u++) {
        twin.unit = &program->units[u];
        if (twin.unit == local->unit || !unit_reads(twin.unit, twin.place.source))
            continue;
        for (size_t f = 0; f < twin.unit->function_count; f++)
            if (twin.unit->functions[f].name == function)
                cursor_visit(twin.unit->functions[f].cursor, move_twin, &twin);
    }
}

static int compare(const void *left, const void *right)
{
    const struct moved_local *const a = left, *const b = right;
    const int place = compare_places(a->file, a->line, b->file, b->line);
    if (place)
        return place;
    const int name = strcmp(a->name, b->name);
    return name ? name : (a->unit > b->unit) - (a->unit < b->unit);
}

/* The same text in another unit, or in another expansion, may name something that does not move. */
static enum CXChildVisitResult veto_others(struct cursor cursor, struct cursor parent, void *data)
{
    struct unit *const unit = data;
    (void)parent;
    const enum CXCursorKind kind = cursor_kind(cursor);
    struct cursor variable = cursor;
    if (kind == CXCursor_DeclRefExpr)
        variable = cursor_referenced(cursor);
    const enum CXCursorKind variable_kind = cursor_kind(variable);
    struct span span;
    if ((variable_kind == CXCursor_VarDecl || variable_kind == CXCursor_ParmDecl ||
         variable_kind == CXCursor_EnumConstantDecl) &&
        !map_get(&unit->program->locals->moved, cursor_key(variable)) &&
        span_of_name(unit, cursor, cursor_name(cursor), &span) &&
        edit_at_name(unit->program->edits, span.source, span.begin))
        edit_veto(unit->program->edits, &span, EDIT_NAME, cursor);
    return CXChildVisit_Recurse;
}

static bool reads_file_of_moved(const struct unit *unit)
{
    const struct locals *const locals = unit->program->locals;
    for (size_t i = 0; i < locals->count; i++)
        for (size_t k = 0; k < unit->include_count; k++)
            if (unit->includes[k]->shown == locals->list[i].file)
                return true;
    return false;
}

void locals_find(struct program *program)
{
    struct locals *const locals = program->locals = must_alloc(sizeof(*locals));
    program->may_cross = must_alloc(sizeof(*program->may_cross));
    size_t crossing, seen = 0, literals = 0;
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t v = 0; v < program->units[u].shared_variable_count; v++)
            open_contents(program, &program->units[u],
                          program->units[u].shared_variables[v].cursor);
    do {
        crossing = program->escape->crossing_count;
        for (size_t u = 0; u < program->unit_count; u++)
            collect_pointees(program, &program->units[u]);
        for (size_t u = 0; u < program->unit_count; u++)
            find(program, &program->units[u]);
        for (; seen < locals->count; seen++) {
            const struct moved_local local = locals->list[seen]; /* the list may move */
            move_in_all_units(program, &local);
            escape_add(program, local.unit, cursor_type(local.variable));
            open_contents(program, local.unit, local.variable);
        }
        for (; literals < locals->literal_count; literals++)
            escape_add(program, locals->literals[literals].unit,
                       cursor_type(locals->literals[literals].literal));
        conversions_escape(program);
    } while (crossing !=
             program->escape->crossing_count); /* more types, more calls through the boundary */
    if (locals->count)
        qsort(locals->list, locals->count, sizeof(*locals->list), compare);
}

void locals_rewrite(struct program *program)
{
    const struct locals *const locals = program->locals;
    for (size_t i = 0; i < locals->count; i++)
        moved_rewrite(&locals->list[i]);
    for (size_t i = 0; i < locals->literal_count; i++)
        literal_rewrite(&locals->literals[i]);
    for (size_t u = 0; u < program->unit_count; u++)
        literals_rewrite_others(&program->units[u]);
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        if (!reads_file_of_moved(unit))
            continue;
        for (size_t f = 0; f < unit->function_count; f++)
            cursor_visit(unit->functions[f].cursor, veto_others, unit);
    }
}
