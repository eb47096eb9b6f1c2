#include "escape.h"

#include <stdlib.h>
#include <string.h>

#include "assignments.h"
#include "base/intern.h"

struct walk {
    struct program *program;
    struct unit *unit;
    struct map seen; /* canonical types of this unit */
    const struct map *known; /* the records to look into, by spelling; NULL: all */
};

static void walk(struct walk *walk, struct type type);

static enum CXVisitorResult walk_field(struct cursor field, void *data)
{
    walk(data, cursor_type(field));
    return CXVisit_Continue;
}

static void add_escaping(struct program *program, const char *spelling)
{
    struct escape *const escape = program->escape;
    if (map_add(&escape->types, key_of(spelling)))
        *PUSH(escape->list, escape->count, escape->capacity) = spelling;
}

/* libc's structs end the search: their function pointers are called by libc. */
static bool is_closed_record(struct type record)
{
    return type_size(record) < 0 || in_system_header(type_declaration(record));
}

static void walk_function(struct walk *it, struct type function)
{
    walk(it, type_result(function));
    for (int i = 0; i < type_argument_count(function); i++)
        walk(it, type_argument(function, (unsigned)i));
}

static void walk(struct walk *it, struct type type)
{
    type = type_unqualified(type_canonical(type));
    if (!map_add(&it->seen, type_key(type)))
        return;
    switch (type.kind) {
    case CXType_Pointer: {
        const char *const spelling = function_pointer_spelling(it->unit, type);
        if (spelling)
            add_escaping(it->program, spelling);
        walk(it, type_pointee(type));
        break;
    }
    case CXType_ConstantArray:
    case CXType_IncompleteArray:
    case CXType_VariableArray:
        walk(it, type_element(type));
        break;
    case CXType_Atomic:
        walk(it, type_value(type));
        break;
    case CXType_FunctionProto:
    case CXType_FunctionNoProto:
        walk_function(it, type);
        break;
    case CXType_Record:
        if (!is_closed_record(type) &&
            (!it->known || map_get(it->known, key_of(type_spelling(it->unit, type)))))
            type_visit_fields(type, walk_field, it);
        break;
    default:
        break;
    }
}

/* Functions by compartment and name (global) or by unit and name (static). */
static const char *function_key(const struct unit *unit, const char *name, bool is_static)
{
    return is_static ? intern_format("unit %u %s", unit->plan->id, name)
                     : intern_format("compartment %u %s", unit->plan->compartment, name);
}

struct reached {
    struct unit *unit;
    struct function *function;
};

/* What is written while an `[allocations]` function runs may lie in memory that others can write
 * too. */
static void escape_by_allocation(struct program *program)
{
    struct map index = {0}, seen = {0};
    struct reached *queue = NULL;
    size_t count = 0, capacity = 0;
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        for (size_t f = 0; f < unit->function_count; f++) {
            struct reached *const it = must_alloc(sizeof(*it));
            *it = (struct reached){unit, &unit->functions[f]};
            map_put(&index, key_of(function_key(unit, it->function->name, it->function->is_static)),
                    it);
            for (size_t a = 0; a < program->plan.allocation_count; a++)
                if (program->plan.allocations[a].function == it->function->name &&
                    !program->plan.allocations[a].variable &&
                    program->plan.allocations[a].key != unit->plan->compartment &&
                    map_add(&seen, key_of(it->function)))
                    *PUSH(queue, count, capacity) = *it;
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct reached it = queue[i];
        for (size_t m = 0; m < it.function->member_type_count; m++)
            add_escaping(program, it.function->member_types[m]);
        for (size_t c = 0; c < it.function->callee_count; c++) {
            const char *const name = it.function->callees[c];
            const struct reached *next = map_get(&index, key_of(function_key(it.unit, name, true)));
            if (!next)
                next = map_get(&index, key_of(function_key(it.unit, name, false)));
            if (next && map_add(&seen, key_of(next->function)))
                *PUSH(queue, count, capacity) = *next;
        }
    }
    for (size_t i = 0; i < index.capacity; i++)
        free(index.slots[i].value);
    free(queue);
    map_free(&index);
    map_free(&seen);
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

void escape_add(struct program *program, struct unit *unit, struct type type)
{
    struct walk it = {program, unit, {0}, NULL};
    walk(&it, type);
    map_free(&it.seen);
}

static void escape_target(void *context, struct cursor target, struct cursor value)
{
    const struct walk *const it = context;
    (void)value;
    escape_add(it->program, it->unit, cursor_type(target));
}

/* What an [allocations] line that names a variable places where others can write. */
static void escape_by_placement(struct program *program)
{
    for (size_t a = 0; a < program->plan.allocation_count; a++) {
        const struct allocation *const it = &program->plan.allocations[a];
        for (size_t u = 0; it->variable && u < program->unit_count; u++) {
            struct unit *const unit = &program->units[u];
            struct walk walk = {.program = program, .unit = unit};
            for (size_t f = 0; f < unit->function_count; f++)
                if (unit->functions[f].name == it->function && unit->plan->compartment != it->key)
                    assignments_visit(&unit->functions[f], it->variable, escape_target, &walk);
        }
    }
}

struct records {
    struct unit *unit;
    struct map *found;
};

static enum CXChildVisitResult find_record(struct cursor cursor, struct cursor parent, void *data)
{
    struct records *const it = data;
    const enum CXCursorKind kind = cursor_kind(cursor);
    (void)parent;
    if ((kind != CXCursor_StructDecl && kind != CXCursor_UnionDecl) ||
        !cursor_is_definition(cursor))
        return CXChildVisit_Continue;
    map_add(it->found, key_of(type_spelling(it->unit, cursor_type(cursor))));
    return CXChildVisit_Recurse;
}

/* The records that code of other compartments than `key` knows the members of. */
static const struct map *known_to_others(struct program *program, unsigned key)
{
    struct escape *const escape = program->escape;
    for (size_t u = 0; u < program->unit_count && !escape->is_known[key]; u++) {
        struct records it = {&program->units[u], &escape->known_to_others[key]};
        if (it.unit->plan->compartment != key)
            cursor_visit(tree_root(it.unit->tree), find_record, &it);
    }
    escape->is_known[key] = true;
    return &escape->known_to_others[key];
}

void escape_add_converted(struct program *program, struct unit *unit, struct type type)
{
    struct walk it = {program, unit, {0}, known_to_others(program, unit->plan->compartment)};
    walk(&it, type);
    map_free(&it.seen);
}

/* The owner's own view of a boundary function: what a caller passes where its prototype says `void
 * *`. Structs are not followed: those that callers do not know are the owner's handles. */
static void escape_by_owner(struct program *program, struct unit *unit, struct type function)
{
    function = type_canonical(function);
    const char *const result = function_pointer_spelling(unit, type_result(function));
    if (result)
        add_escaping(program, result);
    for (int i = 0; i < type_argument_count(function); i++) {
        const char *const parameter =
            function_pointer_spelling(unit, type_argument(function, (unsigned)i));
        if (parameter)
            add_escaping(program, parameter);
    }
}

static void escape_by_declarations(struct walk *it)
{
    const struct unit *const unit = it->unit;
    for (size_t d = 0; d < unit->declaration_count; d++) {
        const struct declaration *const declaration = &unit->declarations[d];
        const struct import *const import = plan_import(&it->program->plan, declaration->name);
        const struct type type = cursor_type(declaration->cursor);
        if (import && import->ungated)
            continue; /* its callers' code, in effect */
        if (!import || import->callers & 1u << unit->plan->compartment)
            walk(it, type);
        else if (import->owner == unit->plan->compartment && is_function(type))
            escape_by_owner(it->program, it->unit, type);
    }
    for (size_t d = 0; d < unit->shared_variable_count; d++)
        walk(it, cursor_type(unit->shared_variables[d].cursor));
}

bool is_gate_lookup(const struct program *program, const struct unit *unit,
                    const struct lookup *lookup)
{
    const bool data = lookup->data && !lookup->symbol;
    return program->escape->looking_up & 1u << unit->plan->compartment &&
           (!data || plan_has_data_entry(&program->plan)) &&
           (!lookup->symbol || !*lookup->symbol || plan_is_entry(&program->plan, lookup->symbol));
}

/* What dlsym finds in a plugin is used through the type that the program converts it to, which may
 * take in more than the plugin's own declaration of it. A `void *` that becomes a function pointer
 * may be it too; one that becomes another pointer only if there are variables to be found. */
static void escape_by_lookup(struct program *program)
{
    for (size_t u = 0; program->plan.entry_count && u < program->unit_count; u++)
        for (size_t l = 0; l < program->units[u].lookup_count; l++)
            if (program->units[u].lookups[l].symbol)
                program->escape->looking_up |= 1u << program->units[u].plan->compartment;
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t l = 0; l < program->units[u].lookup_count; l++)
            if (is_gate_lookup(program, &program->units[u], &program->units[u].lookups[l]))
                escape_add(program, &program->units[u], program->units[u].lookups[l].target);
}

void escape_compute(struct program *program)
{
    program->escape = must_alloc(sizeof(*program->escape));
    for (size_t u = 0; u < program->unit_count; u++) {
        struct walk it = {program, &program->units[u], {0}, NULL};
        escape_by_declarations(&it);
        map_free(&it.seen);
    }
    escape_by_lookup(program);
    escape_by_allocation(program);
    escape_by_placement(program);
}

void sort_escaping_types(struct program *program)
{
    struct escape *const escape = program->escape;
    if (escape->count)
        qsort(escape->list, escape->count, sizeof(*escape->list), compare);
}

struct pointees {
    struct unit *unit;
    struct map *found, seen;
    bool deep;
};

static void find_pointees(struct pointees *it, struct type type);

static enum CXVisitorResult find_in_field(struct cursor field, void *data)
{
    find_pointees(data, cursor_type(field));
    return CXVisit_Continue;
}

static void find_pointees(struct pointees *it, struct type type)
{
    type = type_unqualified(type_canonical(type));
    if (!map_add(&it->seen, type_key(type)))
        return;
    if (type.kind == CXType_Pointer) {
        const struct type pointee = type_canonical(type_pointee(type));
        if (pointee.kind == CXType_Pointer ||
            (pointee.kind == CXType_Record && type_size(pointee) >= 0))
            map_add(it->found, key_of(type_spelling(it->unit, pointee)));
        else if (pointee.kind != CXType_ConstantArray)
            return;
        if (it->deep || pointee.kind != CXType_Record)
            find_pointees(it, pointee);
    } else if (type.kind == CXType_Record && !is_closed_record(type)) {
        type_visit_fields(type, find_in_field, it);
    } else if (type.kind == CXType_ConstantArray) {
        find_pointees(it, type_element(type));
    }
}

void escape_pointees(struct unit *unit, struct type type, bool deep, struct map *pointees)
{
    struct pointees it = {unit, pointees, {0}, deep};
    find_pointees(&it, type);
    map_free(&it.seen);
}
