#include "escape.h"

#include <stdlib.h>
#include <string.h>

#include "abi/signature.h"
#include "assignments.h"
#include "base/intern.h"
#include "function_index.h"
#include "tree/libc_records.h"

struct walk {
    struct program *program;
    struct unit *unit;
    struct map seen; /* canonical types of this unit */
    const struct map *known; /* the records to look into, by spelling; NULL: all */
    bool made; /* not by the boundary: escape_add_made */
};

static void walk(struct walk *walk, struct type type);

static enum CXVisitorResult walk_field(struct cursor field, void *data)
{
    walk(data, cursor_type(field));
    return CXVisit_Continue;
}

static void add_escaping(struct program *program, const char *spelling, bool made)
{
    struct escape *const escape = program->escape;
    if (map_add(&escape->types, key_of(spelling)))
        *PUSH(escape->list, escape->count, escape->capacity) = spelling;
    if (!made && map_add(&escape->crossing, key_of(spelling)))
        escape->crossing_count++;
}

/* The structs of system headers end the search: what else is in them is called by the libraries
 * that they belong to. */
static bool is_closed_record(struct type record)
{
    return type_size(record) < 0 || in_system_header(type_declaration(record));
}

static struct type record_of(struct type type)
{
    type = type_unqualified(type_canonical(type));
    while (type.kind == CXType_Pointer)
        type = type_unqualified(type_canonical(type_pointee(type)));
    return type;
}

bool escape_is_callback_record(struct unit *unit, struct type type)
{
    const struct type record = record_of(type);
    if (record.kind != CXType_Record || !in_system_header(type_declaration(record)))
        return false;
    return is_libc_callback_record(type_spelling(unit, record));
}

bool escape_has_record(const struct program *program, struct unit *unit, struct type type)
{
    return escape_is_callback_record(unit, type) &&
           map_get(&program->escape->records, key_of(type_spelling(unit, record_of(type))));
}

static void walk_function(struct walk *context, struct type function)
{
    walk(context, type_result(function));
    for (int i = 0; i < type_argument_count(function); i++)
        walk(context, type_argument(function, (unsigned)i));
}

static void walk(struct walk *context, struct type type)
{
    type = type_unqualified(type_canonical(type));
    if (!map_add(&context->seen, type_key(type)))
        return;
    switch (type.kind) {
    case CXType_Pointer: {
        const char *const spelling = function_pointer_spelling(context->unit, type);
        if (spelling)
            add_escaping(context->program, spelling, context->made);
        walk(context, type_pointee(type));
        break;
    }
    case CXType_ConstantArray:
    case CXType_IncompleteArray:
    case CXType_VariableArray:
        walk(context, type_element(type));
        break;
    case CXType_Atomic:
        walk(context, type_value(type));
        break;
    case CXType_FunctionProto:
    case CXType_FunctionNoProto:
        walk_function(context, type);
        break;
    case CXType_Record:
        if (escape_is_callback_record(context->unit, type))
            map_add(&context->program->escape->records, key_of(type_spelling(context->unit, type)));
        else if (is_closed_record(type) ||
                 (context->known &&
                  !map_get(context->known, key_of(type_spelling(context->unit, type)))))
            break;
        type_visit_fields(type, walk_field, context);
        break;
    default:
        break;
    }
}

/* What is written while an `[allocations]` function runs may lie in memory that others can write
 * too. */
static void escape_by_allocation(struct program *program)
{
    struct function_index index = function_index_make(program);
    struct map seen = {0};
    struct indexed_function *queue = NULL;
    size_t count = 0, capacity = 0;
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        for (size_t f = 0; f < unit->function_count; f++) {
            struct function *const function = &unit->functions[f];
            for (size_t a = 0; a < program->plan.allocation_count; a++)
                if (program->plan.allocations[a].function == function->name &&
                    !program->plan.allocations[a].variable &&
                    program->plan.allocations[a].key != unit->plan->compartment &&
                    map_add(&seen, key_of(function)))
                    *PUSH(queue, count, capacity) = (struct indexed_function){unit, function};
        }
    }
    for (size_t i = 0; i < count; i++) {
        const struct indexed_function reached = queue[i];
        for (size_t m = 0; m < reached.function->member_type_count; m++)
            add_escaping(program, reached.function->member_types[m], false);
        for (size_t c = 0; c < reached.function->callee_count; c++) {
            const struct indexed_function *const next =
                function_index_find(&index, reached.unit, reached.function->callees[c]);
            if (next && map_add(&seen, key_of(next->function)))
                *PUSH(queue, count, capacity) = *next;
        }
    }
    free(queue);
    map_free(&seen);
    function_index_free(&index);
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

void escape_add(struct program *program, struct unit *unit, struct type type)
{
    struct walk context = {program, unit, {0}, NULL, false};
    walk(&context, type);
    map_free(&context.seen);
}

static void escape_target(void *context, struct cursor target, struct cursor value)
{
    const struct walk *const walk = context;
    (void)value;
    escape_add(walk->program, walk->unit, cursor_type(target));
}

/* What an [allocations] line that names a variable places where others can write. */
static void escape_by_placement(struct program *program)
{
    for (size_t a = 0; a < program->plan.allocation_count; a++) {
        const struct allocation *const allocation = &program->plan.allocations[a];
        for (size_t u = 0; allocation->variable && u < program->unit_count; u++) {
            struct unit *const unit = &program->units[u];
            struct walk walk = {.program = program, .unit = unit};
            for (size_t f = 0; f < unit->function_count; f++)
                if (unit->functions[f].name == allocation->function &&
                    unit->plan->compartment != allocation->key)
                    assignments_visit(&unit->functions[f], allocation->variable, escape_target,
                                      &walk);
        }
    }
}

struct records {
    struct unit *unit;
    struct map *found;
};

static enum CXChildVisitResult find_record(struct cursor cursor, struct cursor parent, void *data)
{
    struct records *const records = data;
    const enum CXCursorKind kind = cursor_kind(cursor);
    (void)parent;
    if ((kind != CXCursor_StructDecl && kind != CXCursor_UnionDecl) ||
        !cursor_is_definition(cursor))
        return CXChildVisit_Continue;
    map_add(records->found, key_of(type_spelling(records->unit, cursor_type(cursor))));
    return CXChildVisit_Recurse;
}

/* The records that code of other compartments than `key` knows the members of. */
static const struct map *known_to_others(struct program *program, unsigned key)
{
    struct escape *const escape = program->escape;
    for (size_t u = 0; u < program->unit_count && !escape->is_known[key]; u++) {
        struct records records = {&program->units[u], &escape->known_to_others[key]};
        if (records.unit->plan->compartment != key)
            cursor_visit(tree_root(records.unit->tree), find_record, &records);
    }
    escape->is_known[key] = true;
    return &escape->known_to_others[key];
}

void escape_add_converted(struct program *program, struct unit *unit, struct type type)
{
    struct walk context = {
        program, unit, {0}, known_to_others(program, unit->plan->compartment), false};
    walk(&context, type);
    map_free(&context.seen);
}

void escape_add_made(struct program *program, struct unit *unit, struct type type, bool whole)
{
    const struct map *const known =
        whole ? NULL : known_to_others(program, unit->plan->compartment);
    struct walk context = {program, unit, {0}, known, true};
    walk(&context, type);
    map_free(&context.seen);
}

/* The owner's own view of a boundary function: what a caller passes where its prototype says `void
 * *`. Structs are not followed: those that callers do not know are the owner's handles. */
static void escape_by_owner(struct program *program, struct unit *unit, struct type function)
{
    function = type_canonical(function);
    const char *const result = function_pointer_spelling(unit, type_result(function));
    if (result)
        add_escaping(program, result, false);
    for (int i = 0; i < type_argument_count(function); i++) {
        const char *const parameter =
            function_pointer_spelling(unit, type_argument(function, (unsigned)i));
        if (parameter)
            add_escaping(program, parameter, false);
    }
}

static void escape_by_declarations(struct walk *context)
{
    const struct unit *const unit = context->unit;
    for (size_t d = 0; d < unit->declaration_count; d++) {
        const struct declaration *const declaration = &unit->declarations[d];
        const struct import *const import = plan_import(&context->program->plan, declaration->name);
        const struct type type = cursor_type(declaration->cursor);
        if (import && import->ungated)
            continue; /* its callers' code, in effect */
        if (!import || import->callers & 1u << unit->plan->compartment)
            walk(context, type);
        else if (import->owner == unit->plan->compartment && is_function(type))
            escape_by_owner(context->program, context->unit, type);
    }
    for (size_t d = 0; d < unit->shared_variable_count; d++)
        walk(context, cursor_type(unit->shared_variables[d].cursor));
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

/* The address of another compartment's variadic function. It has a gate for each list of arguments,
 * and none of its own name, so the calls by pointers of its type must say which. */
static void escape_by_variadic_address(struct program *program)
{
    for (size_t u = 0; u < program->unit_count; u++) {
        const struct unit *const unit = &program->units[u];
        for (size_t d = 0; d < unit->designator_count; d++) {
            const struct designator *const designator = &unit->designators[d];
            const struct import *const import =
                plan_import(&program->plan, cursor_name(designator->function));
            if (designator->callee || !import || import->ungated ||
                import->owner == unit->plan->compartment ||
                cursor_linkage(designator->function) == CXLinkage_Internal ||
                !is_variadic(cursor_type(designator->function)))
                continue;
            for (size_t t = 0; t < sizeof(designator->types) / sizeof(*designator->types); t++)
                if (designator->types[t])
                    add_escaping(program, designator->types[t], false);
        }
    }
}

void escape_compute(struct program *program)
{
    program->escape = must_alloc(sizeof(*program->escape));
    for (size_t u = 0; u < program->unit_count; u++) {
        struct walk walk = {program, &program->units[u], {0}, NULL, false};
        escape_by_declarations(&walk);
        map_free(&walk.seen);
    }
    escape_by_lookup(program);
    escape_by_allocation(program);
    escape_by_placement(program);
    escape_by_variadic_address(program);
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

static void find_pointees(struct pointees *pointees, struct type type);

static enum CXVisitorResult find_in_field(struct cursor field, void *data)
{
    find_pointees(data, cursor_type(field));
    return CXVisit_Continue;
}

static void find_pointees(struct pointees *pointees, struct type type)
{
    type = type_unqualified(type_canonical(type));
    if (!map_add(&pointees->seen, type_key(type)))
        return;
    if (type.kind == CXType_Pointer) {
        const struct type pointee = type_canonical(type_pointee(type));
        if (pointee.kind == CXType_Pointer ||
            (pointee.kind == CXType_Record && type_size(pointee) >= 0))
            map_add(pointees->found, key_of(type_spelling(pointees->unit, pointee)));
        else if (pointee.kind != CXType_ConstantArray)
            return;
        if (pointees->deep || pointee.kind != CXType_Record)
            find_pointees(pointees, pointee);
    } else if (type.kind == CXType_Record && !is_closed_record(type)) {
        type_visit_fields(type, find_in_field, pointees);
    } else if (type.kind == CXType_ConstantArray) {
        find_pointees(pointees, type_element(type));
    }
}

void escape_pointees(struct unit *unit, struct type type, bool deep, struct map *pointees)
{
    struct pointees context = {unit, pointees, {0}, deep};
    find_pointees(&context, type);
    map_free(&context.seen);
}
