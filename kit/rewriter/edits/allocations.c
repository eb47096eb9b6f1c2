#include "allocations.h"

#include "analysis/allocating.h"
#include "analysis/assignments.h"
#include "base/intern.h"
#include "edits.h"

static void allocate_in(struct unit *unit, const struct function *function, unsigned key)
{
    struct place place;
    if (!body_place(unit, function->cursor, &place)) {
        refuse_at(function->cursor, intern_format("function %s of [allocations]", function->name),
                  "its body is made by a macro, so there is no text to rewrite",
                  "write the function out");
        return;
    }
    edit_insert(unit->program->edits, place.source, place.offset + 1,
                intern_format(" IA2_ALLOCATE_IN(%u);", key), function->cursor);
}

/* Where a line of [allocations] puts what is assigned in a unit. */
struct placement {
    struct unit *unit;
    const struct allocation *line;
    const struct function_index *index;
    struct allocating *reached; /* by all the values */
};

static void place_value(void *context, struct cursor target, struct cursor value)
{
    const struct placement *const placement = context;
    /* Allocates nothing; and a `0` that is not by itself is an int, and no null pointer. */
    if (is_null_constant(value))
        return;
    allocating_value(placement->index, placement->unit, value, placement->reached);
    const struct place begin = place_of(placement->unit, cursor_begin(value));
    const struct place seen = place_in_file(placement->unit, cursor_begin(value));
    struct source *const source = seen.source;
    const size_t offset = seen.offset;
    (void)target;
    /* The value may be a macro's use; then the text of the assignment says how far it goes. */
    struct span span = {source, offset, source ? source_initializer_end(source, offset) : 0,
                        PLACE_FILE};
    if (!source || (begin.kind == PLACE_ARG && !span_of(placement->unit, value, &span)) ||
        !source_is_one_expression(source, span.begin, span.end)) {
        refuse_at(value, intern_format("value of %s, of [allocations]", placement->line->variable),
                  "the assignment is made by a macro, so there is no text to rewrite",
                  "name the function alone");
        return;
    }
    if (source_is_one_argument(source, span.begin, span.end))
        edit_wrap(placement->unit->program->edits, &span, EDIT_INITIALIZER,
                  intern_format("IA2_ALLOCATED_IN(%u, ", placement->line->key), ")", value);
    else
        edit_wrap(placement->unit->program->edits, &span, EDIT_INITIALIZER,
                  intern_format("({ IA2_ALLOCATE_IN(%u); ", placement->line->key), "; })", value);
}

/* Whether the program has what the line names. Adds what the functions or values reach. */
static bool rewrite_allocation(struct unit *unit, const struct allocation *allocation,
                               const struct function_index *index, struct allocating *reached)
{
    struct program *const program = unit->program;
    bool found = false;
    for (size_t f = 0; f < unit->function_count; f++) {
        const struct function *const function = &unit->functions[f];
        if (function->name != allocation->function)
            continue;
        if (unit->plan->compartment == allocation->key) {
            found = reached->own = true; /* its own heap is where it allocates anyway */
            continue;
        }
        if (allocation->variable) {
            found |= assignments_visit(function, allocation->variable, place_value,
                                       &(struct placement){unit, allocation, index, reached});
        } else {
            found = true;
            allocating_function(index, unit, function, reached);
            allocate_in(unit, function, allocation->key);
        }
        if (allocation->key)
            program->plan.compartments[allocation->key - 1].heap_clients |=
                1u << unit->plan->compartment;
    }
    return found;
}

/* A line must not look as if it placed what it does not place. What libc allocates by itself is
 * shared whatever the line says, so a call of libc keeps the line. */
static bool places(const struct allocating *reached)
{
    return reached->own || (reached->outside && !reached->crossing);
}

static void refuse_without_effect(const struct plan *plan, const struct allocation *allocation,
                                  const struct allocating *reached)
{
    if (places(reached))
        return;
    const char *const entry = intern_format("allocations.%s", allocation->entry);
    const char *const construct = intern_format("'%s' of [allocations]", allocation->entry);
    const struct import *const import =
        reached->crossing ? plan_import(plan, reached->crossing) : NULL;
    if (!import)
        plan_refuse(plan, entry, construct,
                    allocation->variable ? "what is assigned there is not allocated there"
                                         : "the function allocates nothing",
                    "remove the line, or name the function that allocates");
    else
        plan_refuse(plan, entry, construct,
                    intern_format("it allocates nothing in its own compartment; it calls %s of "
                                  "compartment %s, whose allocations the line does not reach",
                                  import->symbol, plan->compartments[import->owner - 1].name),
                    intern_format("name %s instead, or the function with which it allocates",
                                  import->symbol));
}

void rewrite_allocations(struct program *program)
{
    struct plan *const plan = &program->plan;
    struct function_index index = function_index_make(program);
    for (size_t a = 0; a < plan->allocation_count; a++) {
        const struct allocation *const allocation = &plan->allocations[a];
        struct allocating reached = {0};
        bool found = false;
        for (size_t u = 0; u < program->unit_count; u++)
            found |= rewrite_allocation(&program->units[u], allocation, &index, &reached);
        if ((!found || !places(&reached)) &&
            plan_is_for_other_program(plan, intern_format("allocations.%s", allocation->entry)))
            continue;
        if (!found && allocation->variable)
            plan_refuse(plan, intern_format("allocations.%s", allocation->entry),
                        intern_format("'%s' of [allocations]", allocation->entry),
                        "the program has no such function that assigns to it",
                        "remove the line, or correct the names");
        else if (!found)
            plan_refuse(plan, intern_format("allocations.%s", allocation->entry),
                        intern_format("function %s of [allocations]", allocation->function),
                        "the program defines no such function",
                        "remove the line, or correct the name");
        else
            refuse_without_effect(plan, allocation, &reached);
    }
    function_index_free(&index);
}

/* What others use by its name must be visible to them: units are often compiled with
 * -fvisibility=hidden. */
static const char *exported(const struct program *program, const struct unit *unit,
                            const struct declaration *declaration)
{
    const struct import *const import = plan_import(&program->plan, declaration->name);
    return import && import->data && import->owner == unit->plan->compartment &&
                   cursor_linkage(declaration->cursor) == CXLinkage_External
               ? " IA2_EXPORTED"
               : "";
}

/* A definition that a macro makes is declared before, with the mark: attributes add up. */
static void share_before(const struct program *program, struct unit *unit,
                         const struct declaration *declaration, const char *construct)
{
    const struct location start = cursor_begin(declaration->cursor);
    const struct spot use = location_spots(start).expansion;
    const struct place place = {unit_source(unit, use.file), use.offset, PLACE_FILE};
    const struct type type = type_canonical(cursor_type(declaration->cursor));
    const bool at_top = cursor_kind(cursor_parent(declaration->cursor)) == CXCursor_TranslationUnit;
    if (!place.source || !at_top || is_volatile_constant(type) || !has_name_everywhere(type)) {
        refuse_at(declaration->cursor, construct,
                  "its definition is made by a macro, so there is no text to rewrite",
                  "write the definition out");
        return;
    }
    const char *const linkage =
        cursor_linkage(declaration->cursor) == CXLinkage_Internal ? "static" : "extern";
    const char *const mark =
        is_marked_shared(declaration->cursor) ? "" : " IA2_SHARED_DECLARED"; /* the macro has it */
    const char *const others = exported(program, unit, declaration);
    if (*mark || *others)
        edit_insert(unit->program->edits, place.source, place.offset,
                    intern_format("%s __typeof__(%s) %s%s%s; ", linkage, type_text(type),
                                  declaration->name, mark, others),
                    declaration->cursor);
}

static void share_variable(const struct program *program, struct unit *unit,
                           const struct declaration *declaration)
{
    struct span name;
    const char *const construct = intern_format("shared variable %s", declaration->name);
    if (cursor_tls(declaration->cursor) != CXTLS_None) {
        refuse_at(declaration->cursor, construct, "it is thread-local",
                  "share memory that a pointer in it points to instead");
        return;
    }
    if (!span_of_name(unit, declaration->cursor, declaration->name, &name) ||
        name.kind != PLACE_FILE) {
        share_before(program, unit, declaration, construct);
        return;
    }
    const char *const mark = is_volatile_constant(cursor_type(declaration->cursor))
                                 ? " IA2_SHARED_VOLATILE_CONSTANT"
                                 : " IA2_SHARED_DATA";
    edit_insert(unit->program->edits, name.source, declarator_end(unit, declaration->cursor, &name),
                intern_format("%s%s", mark, exported(program, unit, declaration)),
                declaration->cursor);
}

static const struct declaration *find_marked(const struct program *program, const char *name)
{
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t d = 0; d < program->units[u].shared_variable_count; d++)
            if (program->units[u].shared_variables[d].name == name)
                return &program->units[u].shared_variables[d];
    return NULL;
}

/* The plan lets others use a variable that IA2_SHARED_DATA may mark. */
static void refuse_unmarked(const struct program *program, const struct unit *unit,
                            const struct declaration *declaration)
{
    const struct plan *const plan = &program->plan;
    const struct import *const import = plan_import(plan, declaration->name);
    if (import && import->data && import->owner == unit->plan->compartment &&
        cursor_storage(declaration->cursor) != CX_SC_Extern &&
        !plan_is_shared(plan, declaration->name) &&
        !is_constant(cursor_type(declaration->cursor)) && !find_marked(program, declaration->name))
        refuse_at(declaration->cursor, intern_format("variable %s", declaration->name),
                  "another compartment uses it by its name, and it is not shared",
                  intern_format("add \"%s\" to variables under [shared] in the policy",
                                declaration->name));
}

void rewrite_shared_variables(struct program *program)
{
    const struct plan *const plan = &program->plan;
    for (size_t v = 0; v < plan->shared_variable_count; v++) {
        bool found = false;
        for (size_t u = 0; u < program->unit_count; u++)
            for (size_t d = 0; d < program->units[u].shared_variable_count; d++) {
                const struct declaration *const declaration =
                    &program->units[u].shared_variables[d];
                if (declaration->name != plan->shared_variables[v])
                    continue;
                found = true;
                /* Constant data is open to all as it is. */
                if (!is_constant(cursor_type(declaration->cursor)))
                    share_variable(program, &program->units[u], declaration);
            }
        if (!found && !plan_is_for_other_program(
                          plan, intern_format("shared.variables.%s", plan->shared_variables[v])))
            plan_refuse(plan, "shared.variables",
                        intern_format("shared variable %s", plan->shared_variables[v]),
                        "the program defines no such variable",
                        "remove it from the list, or correct the name");
    }
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t d = 0; d < program->units[u].declaration_count; d++)
            refuse_unmarked(program, &program->units[u], &program->units[u].declarations[d]);
    /* Those that say so themselves; the unit is compiled again for it. */
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t d = 0; d < program->units[u].shared_variable_count; d++)
            if (!plan_is_shared(plan, program->units[u].shared_variables[d].name))
                share_variable(program, &program->units[u], &program->units[u].shared_variables[d]);
}
