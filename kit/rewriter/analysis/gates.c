#include "gates.h"

#include <stdlib.h>
#include <string.h>

#include "abi/mangle.h"
#include "abi/signature.h"
#include "base/intern.h"
#include "no_wrap.h"

struct definition {
    struct unit *unit;
    struct cursor cursor;
};

static const char *place_key(unsigned compartment, const char *name)
{
    return intern_format("%u %s", compartment, name);
}

static void index_definitions(struct program *program)
{
    struct map *const definitions = &program->gates->definitions;
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t f = 0; f < program->units[u].function_count; f++) {
            const struct function *const function = &program->units[u].functions[f];
            if (function->is_static)
                continue;
            struct definition *const where = must_alloc(sizeof(*where));
            *where = (struct definition){&program->units[u], function->cursor};
            map_put(definitions,
                    key_of(place_key(program->units[u].plan->compartment, function->name)), where);
        }
}

static const struct definition *definition_of(const struct gates *gates, unsigned compartment,
                                              const char *name)
{
    return map_get(&gates->definitions, key_of(place_key(compartment, name)));
}

static const char remedy[] =
    "put a function of plain parameters and result in front of it, and let that one cross";

/* The gate `family` of `owner`, made from the declaration at `where` if it is new; NULL if refused.
 * `call`: for what arguments, if the function is variadic. `further`: the one for these arguments
 * beside the gate `family`. */
static struct gate *add_gate(struct gates *gates, unsigned owner, const char *family,
                             const char *target, const struct definition *where,
                             const struct signature *call, bool further)
{
    const char *const symbol =
        further
            ? intern_format("%s__%08x", family, mangle_hash(signature_mangled(where->unit, call)))
            : family;
    const char *const key = place_key(owner, symbol);
    const size_t position = (size_t)(uintptr_t)map_get(&gates->index, key_of(key));
    const char *const name = cursor_name(where->cursor), *const construct = intern_format(
                                                             "boundary function %s", name);
    const struct type type = cursor_type(where->cursor);
    struct signature own = {0};
    if (position && gates->list[position - 1].target == target)
        return &gates->list[position - 1];
    if (!call)
        own = signature_of_type(type);
    const struct signature *const signature = call ? call : &own;
    struct shape shape;
    const char *refusal = sysv_shape(tree_vector_bytes(where->unit->tree), signature, &shape);
    if (position)
        refusal = intern_format("its gate has the name %s, which is that of a gate of %s", symbol,
                                gates->list[position - 1].function);
    else if (!call && signature->variadic)
        refusal = "it is variadic";
    else if (signature->function.kind == CXType_FunctionNoProto &&
             !cursor_is_definition(where->cursor))
        refusal = "it has no prototype, so its arguments are not known";
    if (refusal) {
        const bool known = signature->function.kind != CXType_FunctionNoProto;
        refuse_at(where->cursor, construct, refusal,
                  known ? remedy : "declare its parameters; (void) if it has none");
        signature_free(&own);
        return NULL;
    }
    struct gate *const gate = PUSH(gates->list, gates->count, gates->capacity);
    map_put(&gates->index, key_of(key), (void *)(uintptr_t)gates->count);
    unsigned column;
    *gate = (struct gate){.symbol = symbol,
                          .family = family,
                          .function = name,
                          .target = target,
                          .owner = owner,
                          .shape = shape,
                          .unit = where->unit,
                          .cursor = where->cursor,
                          .signature = type_text(type),
                          .abi = signature_mangled(where->unit, signature)};
    gate->type = mangle_hash(gate->abi);
    cursor_position(where->cursor, &gate->file, &gate->line, &column);
    signature_free(&own);
    return gate;
}

/* In place of a gate: what the callers' --wrap leads to the function itself. */
static void add_jump(struct gates *gates, const struct import *import,
                     const struct definition *where)
{
    struct gate *const gate = PUSH(gates->list, gates->count, gates->capacity);
    unsigned column;
    const char *const symbol = intern_format("__wrap_%s", import->symbol);
    *gate = (struct gate){.symbol = symbol,
                          .family = symbol,
                          .function = import->symbol,
                          .target = import->symbol,
                          .owner = import->owner,
                          .callers = import->callers,
                          .exported = true,
                          .ungated = true,
                          .unit = where->unit,
                          .cursor = where->cursor,
                          .signature = type_text(cursor_type(where->cursor)),
                          .abi = ""};
    cursor_position(where->cursor, &gate->file, &gate->line, &column);
}

/* Every declaration that a caller or the owner sees must agree with the one the gate is made from.
 * One without prototype agrees: what its calls pass is the program's to get right, gate or not. */
static void check_agreement(struct program *program, const struct import *import,
                            const struct definition *where)
{
    const char *const abi = function_mangled(where->unit, cursor_type(where->cursor));
    const char *file;
    unsigned line, column;
    cursor_position(where->cursor, &file, &line, &column);
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        if (!((import->callers | 1u << import->owner) & 1u << unit->plan->compartment))
            continue;
        for (size_t d = 0; d < unit->declaration_count; d++) {
            const struct declaration *const declaration = &unit->declarations[d];
            if (declaration->name != import->symbol)
                continue;
            const struct type type = type_canonical(cursor_type(declaration->cursor));
            const char *const own = function_mangled(unit, type);
            const size_t compared =
                type.kind == CXType_FunctionNoProto ? strcspn(own, "(") + 1 : strlen(own) + 1;
            if (type.kind == CXType_FunctionNoProto && strchr(abi, '.'))
                refuse_at(
                    declaration->cursor, intern_format("boundary function %s", import->symbol),
                    intern_format("it has no prototype here, and is variadic at %s:%u", file, line),
                    "declare its parameters");
            else if (strncmp(own, abi, compared))
                refuse_at(declaration->cursor,
                          intern_format("boundary function %s", import->symbol),
                          intern_format("this declaration passes arguments as %s, but %s:%u has %s",
                                        own, file, line, abi),
                          "make the declarations agree");
        }
    }
}

/* The best declaration: the definition, else one in the owner's code, else a caller's. */
static bool find_declaration(struct program *program, const struct import *import,
                             struct definition *where)
{
    int best = 0;
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        const bool owner = unit->plan->compartment == import->owner;
        if (!owner && !(import->callers & 1u << unit->plan->compartment))
            continue;
        for (size_t d = 0; d < unit->declaration_count; d++) {
            const struct declaration *const declaration = &unit->declarations[d];
            const int rank = owner ? declaration->definition ? 3 : 2 : 1;
            if (declaration->name == import->symbol && rank > best &&
                is_function(cursor_type(declaration->cursor))) {
                *where = (struct definition){unit, declaration->cursor};
                best = rank;
            }
        }
    }
    return best > 0;
}

void gates_for_imports(struct program *program)
{
    struct gates *const gates = program->gates = must_alloc(sizeof(*gates));
    index_definitions(program);
    for (size_t i = 0; i < program->plan.import_count; i++) {
        const struct import *const import = &program->plan.imports[i];
        struct definition where;
        if (import->data)
            continue;
        if (!find_declaration(program, import, &where)) {
            const char *const caller =
                program->plan.compartments[__builtin_ctz(import->callers) - 1].name;
            plan_refuse(&program->plan, intern_format("compartment.%s", caller),
                        intern_format("boundary function %s", import->symbol),
                        intern_format("compartment %s calls it, but no C source declares it, so "
                                      "its arguments are not known",
                                      caller),
                        "declare it in a header that the program includes");
            continue;
        }
        if (import->ungated) {
            add_jump(gates, import, &where);
            continue;
        }
        check_agreement(program, import, &where);
        if (is_variadic(cursor_type(where.cursor)))
            continue; /* a gate for each list of arguments */
        struct gate *const gate =
            add_gate(gates, import->owner, intern_format("__wrap_%s", import->symbol),
                     import->symbol, &where, NULL, false);
        if (gate) {
            gate->callers |= import->callers;
            gate->exported = true;
        }
    }
}

static const struct definition *definition_elsewhere(const struct program *program,
                                                     const char *function)
{
    for (unsigned key = 1; key <= program->plan.compartment_count; key++)
        if (definition_of(program->gates, key, function))
            return definition_of(program->gates, key, function);
    return NULL;
}

void gates_for_entries(struct program *program)
{
    const struct plan *const plan = &program->plan;
    for (size_t i = 0; i < plan->entry_count; i++) {
        const struct plan_entry *const entry = &plan->entries[i];
        const struct definition *const where =
            definition_of(program->gates, entry->owner, entry->symbol);
        if (entry->data)
            continue;
        if (!where) {
            plan_refuse(
                plan,
                intern_format("compartment.%s.entries", plan->compartments[entry->owner - 1].name),
                intern_format("entry %s", entry->symbol),
                "no C source of the plugin defines it, so its arguments are not known",
                "put a C function in front of it, and let that one be the entry");
            continue;
        }
        if (no_wrap_has(program, where->unit, where->cursor)) {
            refuse_at(where->cursor, intern_format("entry %s", entry->symbol),
                      "it is declared after IA2_BEGIN_NO_WRAP, so it has no gate, and a call of "
                      "what dlsym finds would be stopped",
                      "take it out of IA2_BEGIN_NO_WRAP");
            continue;
        }
        struct gate *const gate =
            add_gate(program->gates, entry->owner, intern_format("__wrap_%s", entry->symbol),
                     entry->symbol, where, NULL, false);
        if (gate) {
            gate->callers |= plan_others(plan, entry->owner);
            gate->exported = true;
        }
    }
}

bool gates_defines(const struct program *program, const char *function)
{
    return definition_elsewhere(program, function) || plan_import(&program->plan, function);
}

bool gates_is_libc(const struct program *program, struct cursor function)
{
    return cursor_linkage(function) != CXLinkage_Internal &&
           in_system_header(cursor_canonical(function)) &&
           !gates_defines(program, cursor_name(function));
}

struct attribute_search {
    struct unit *unit;
    const char *name;
};

static enum CXChildVisitResult find_attribute(struct cursor child, struct cursor parent, void *data)
{
    const struct attribute_search *const search = data;
    (void)parent;
    if (!clang_isAttribute(cursor_kind(child)))
        return CXChildVisit_Continue;
    const struct place at = place_of(search->unit, cursor_location(child));
    const char *const text = at.source ? at.source->text + at.offset : "";
    const size_t underscores = strspn(text, "_"), length = strlen(search->name);
    return !strncmp(text + underscores, search->name, length) ? CXChildVisit_Break
                                                              : CXChildVisit_Continue;
}

bool gates_is_absent(struct unit *unit, struct cursor function)
{
    struct attribute_search search = {unit, "weak"};
    return cursor_linkage(function) != CXLinkage_Internal &&
           !in_system_header(cursor_canonical(function)) &&
           !gates_defines(unit->program, cursor_name(function)) &&
           cursor_visit(function, find_attribute, &search);
}

/* The symbol that the compiler uses: an asm label may give it another than the function's name. */
static const char *symbol_of(struct cursor function)
{
    const char *const text = cursor_symbol(function);
    return *text == '\1' ? intern(text + 1) : text;
}

/* Where a global function is defined, if in a compartment; `owner` becomes that one. */
static const struct definition *find_owner(struct program *program, const char *name,
                                           unsigned *owner)
{
    const struct definition *definition = definition_of(program->gates, *owner, name);
    const struct import *const import = plan_import(&program->plan, name);
    if (definition)
        return definition;
    if (import) {
        *owner = import->owner;
        return definition_of(program->gates, *owner, name);
    }
    definition = definition_elsewhere(program, name);
    if (definition)
        *owner = definition->unit->plan
                     ->compartment; /* in code that this unit does not use, or it would import it */
    return definition;
}

/* The gates of a function whose address is taken for others: one, or one for each list of
 * arguments. */
static struct gate *add_value_gates(struct gates *gates, unsigned callers, unsigned owner,
                                    const char *family, const char *target,
                                    const struct definition *where,
                                    const struct variadic_lists *calls)
{
    struct gate *gate = add_gate(gates, owner, family, target, where,
                                 calls ? &calls->lists[0].signature : NULL, false);
    const char *const abi = gate ? gate->abi : NULL;
    for (size_t i = 0; gate && calls && i < calls->count; i++) {
        if (calls->lists[i].abi == abi)
            continue;
        gate = add_gate(gates, owner, family, target, where, &calls->lists[i].signature, true);
        if (gate)
            gate->callers |= callers;
    }
    if (!gate)
        return NULL;
    gate =
        &gates->list[(size_t)(uintptr_t)map_get(&gates->index, key_of(place_key(owner, family))) -
                     1];
    gate->callers |= callers;
    return gate;
}

const struct gate *gate_for_value(struct program *program, struct unit *unit,
                                  struct cursor function, const struct variadic_lists *calls,
                                  bool given, struct cursor cause)
{
    const char *const name = cursor_name(function);
    struct definition where = {unit, function};
    unsigned owner = unit->plan->compartment;
    const char *symbol = intern_format("__wrap_%s", name), *target = symbol_of(function);
    if (cursor_linkage(function) == CXLinkage_Internal) {
        symbol = intern_format("__ia2_gate_%u_%s", unit->plan->id, name);
        target = intern_format("__ia2_target_%u_%s", unit->plan->id, name);
        const struct cursor definition = cursor_definition(function);
        if (!cursor_is_null(definition))
            where.cursor = definition;
    } else if (gates_is_libc(program, function)) {
        symbol =
            intern_format("__ia2_libc_%s", name); /* of the compartment that takes the address */
    } else {
        const struct definition *const definition = find_owner(program, name, &owner);
        if (target != name) {
            refuse_at(cause, intern_format("address of %s", name),
                      "an asm label gives the function another symbol", "remove the label");
            return NULL;
        }
        if (definition)
            where = *definition;
    }
    struct gate *const gate =
        add_value_gates(program->gates, given ? plan_others(&program->plan, owner) : 0, owner,
                        symbol, target, &where, calls);
    const struct import *const import = plan_import(&program->plan, name);
    if (gate && import && import->owner == owner && cursor_linkage(function) != CXLinkage_Internal)
        gate->exported = true;
    return gate;
}

const struct gate *gate_for_arguments(struct unit *unit, const struct import *import,
                                      struct cursor function, const struct signature *call,
                                      struct cursor cause)
{
    const struct definition where = {unit, function};
    struct shape shape;
    const char *const refusal = sysv_shape(tree_vector_bytes(unit->tree), call, &shape);
    if (refusal) {
        refuse_at(cause, intern_format("call of boundary function %s", import->symbol), refusal,
                  remedy);
        return NULL;
    }
    struct gate *const gate =
        add_gate(unit->program->gates, import->owner, intern_format("__wrap_%s", import->symbol),
                 import->symbol, &where, call, true);
    if (gate) {
        gate->callers |= import->callers; /* a macro may make the same call in each of them */
        gate->exported = true;
    }
    return gate;
}

static int compare(const void *left, const void *right)
{
    const struct gate *const a = left, *const b = right;
    if (a->owner != b->owner)
        return a->owner < b->owner ? -1 : 1;
    return a->family != b->family ? strcmp(a->family, b->family) : strcmp(a->symbol, b->symbol);
}

void sort_gates(struct program *program)
{
    struct gates *const gates = program->gates;
    if (gates->count)
        qsort(gates->list, gates->count, sizeof(*gates->list), compare);
}
