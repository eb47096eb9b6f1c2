/* Policy lines that hang on a definition: [allocations] and the variables of [shared]. */
#include "edits.h"
#include "rewrite.h"

static void allocate_in(struct unit *unit, const struct function *function, unsigned key) {
    struct place place;
    if (!body_place(unit, function->cursor, &place)) {
        refuse_at(function->cursor, intern_format("function %s of [allocations]", function->name),
                  "its body is made by a macro, so there is no text to rewrite", "write the function out");
        return;
    }
    edit_insert(place.source, place.offset + 1, intern_format(" IA2_ALLOCATE_IN(%u);", key), function->cursor);
}

void rewrite_allocations(struct program *program) {
    struct plan *const plan = program->plan;
    for (size_t a = 0; a < plan->allocation_count; a++) {
        const struct allocation *const it = &plan->allocations[a];
        bool found = false;
        for (size_t u = 0; u < program->unit_count; u++) {
            struct unit *const unit = &program->units[u];
            for (size_t f = 0; f < unit->function_count; f++) {
                if (unit->functions[f].name != it->function)
                    continue;
                found = true;
                if (unit->plan->compartment == it->key)
                    continue;   /* its own heap is where it allocates anyway */
                allocate_in(unit, &unit->functions[f], it->key);
                if (it->key)
                    plan->compartments[it->key - 1].heap_clients |= 1u << unit->plan->compartment;
            }
        }
        if (!found)
            plan_refuse(plan, intern_format("allocations.%s", it->function),
                        intern_format("function %s of [allocations]", it->function), "the program defines no such function",
                        "remove the line, or correct the name");
    }
}

static void share_variable(struct unit *unit, const struct declaration *it) {
    struct span name;
    const struct place start = place_of(unit, clang_getRangeStart(clang_getCursorExtent(it->cursor)));
    const char *const construct = intern_format("shared variable %s", it->name);
    if (clang_getCursorTLSKind(it->cursor) != CXTLS_None) {
        refuse_at(it->cursor, construct, "it is thread-local", "share memory that a pointer in it points to instead");
        return;
    }
    if (!span_of_name(unit, it->cursor, it->name, &name) || name.kind != PLACE_FILE || start.source != name.source) {
        refuse_at(it->cursor, construct, "its definition is made by a macro, so there is no text to rewrite",
                  "write the definition out");
        return;
    }
    edit_insert(name.source, source_declarator_end(name.source, start.offset, name.end), " IA2_SHARED_DATA", it->cursor);
}

void rewrite_shared_variables(struct program *program) {
    const struct plan *const plan = program->plan;
    for (size_t v = 0; v < plan->shared_variable_count; v++) {
        bool found = false;
        for (size_t u = 0; u < program->unit_count; u++)
            for (size_t d = 0; d < program->units[u].shared_variable_count; d++) {
                const struct declaration *const it = &program->units[u].shared_variables[d];
                if (it->name != plan->shared_variables[v])
                    continue;
                found = true;
                /* Constant data is open to all as it is. */
                if (!clang_isConstQualifiedType(clang_getCanonicalType(clang_getCursorType(it->cursor))))
                    share_variable(&program->units[u], it);
            }
        if (!found)
            plan_refuse(plan, "shared.variables", intern_format("shared variable %s", plan->shared_variables[v]),
                        "the program defines no such variable", "remove it from the list, or correct the name");
    }
}
