#include "gates.h"

#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "mangle.h"

struct gate *gates;
size_t gate_count;
static size_t gate_capacity;
static struct map gate_index;     /* interned "owner symbol" -> position + 1 */
static struct map definitions;    /* interned "compartment name" -> struct where */

struct where {
    struct unit *unit;
    CXCursor cursor;
};

static const char *place_key(unsigned compartment, const char *name) {
    return intern_format("%u %s", compartment, name);
}

static void index_definitions(struct program *program) {
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t f = 0; f < program->units[u].function_count; f++) {
            const struct function *const it = &program->units[u].functions[f];
            if (it->is_static)
                continue;
            struct where *const where = must_alloc(sizeof(*where));
            *where = (struct where) { &program->units[u], it->cursor };
            map_put(&definitions, key_of(place_key(program->units[u].plan->compartment, it->name)), where);
        }
}

static const struct where *definition_of(unsigned compartment, const char *name) {
    return map_get(&definitions, key_of(place_key(compartment, name)));
}

/* The gate `symbol` of `owner`, made from the declaration at `where` if it is new; NULL if refused. */
static struct gate *add_gate(unsigned owner, const char *symbol, const char *target, const struct where *where) {
    const char *const key = place_key(owner, symbol);
    const size_t position = (size_t)(uintptr_t)map_get(&gate_index, key_of(key));
    if (position)
        return &gates[position - 1];
    const char *const name = cursor_name(where->cursor);
    const CXType type = clang_getCursorType(where->cursor);
    struct shape shape;
    const char *const refusal = sysv_shape(type, &shape);
    if (refusal) {
        refuse_at(where->cursor, intern_format("boundary function %s", name), refusal,
                  "put a function of plain parameters and result in front of it, and let that one cross");
        return NULL;
    }
    struct gate *const gate = PUSH(gates, gate_count, gate_capacity);
    map_put(&gate_index, key_of(key), (void *)(uintptr_t)gate_count);
    CXString signature = clang_getTypeSpelling(type);
    unsigned column;
    *gate = (struct gate) { .symbol = symbol, .function = name, .target = target, .owner = owner, .shape = shape,
                            .signature = intern(clang_getCString(signature)), .abi = mangle_function(where->unit, type) };
    gate->type = mangle_hash(gate->abi);
    cursor_position(where->cursor, &gate->file, &gate->line, &column);
    clang_disposeString(signature);
    return gate;
}

/* Every declaration that a caller or the owner sees must agree with the gate. */
static void check_agreement(struct program *program, const struct import *import, const struct gate *gate) {
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        if (!((import->callers | 1u << import->owner) & 1u << unit->plan->compartment))
            continue;
        for (size_t d = 0; d < unit->declaration_count; d++) {
            const struct declaration *const it = &unit->declarations[d];
            if (it->name != import->symbol)
                continue;
            const CXType type = clang_getCanonicalType(clang_getCursorType(it->cursor));
            const char *const construct = intern_format("boundary function %s", import->symbol);
            if (type.kind == CXType_FunctionNoProto)
                refuse_at(it->cursor, construct, "it has no prototype, so its arguments are not known",
                          "declare its parameters; (void) if it has none");
            else if (mangle_function(unit, type) != gate->abi)
                refuse_at(it->cursor, construct,
                          intern_format("this declaration passes arguments as %s, but %s:%u has %s",
                                        mangle_function(unit, type), gate->file, gate->line, gate->abi),
                          "make the declarations agree");
        }
    }
}

/* The best declaration: the definition, else one in the owner's code, else a caller's. */
static bool find_declaration(struct program *program, const struct import *import, struct where *where) {
    int best = 0;
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        const bool owner = unit->plan->compartment == import->owner;
        if (!owner && !(import->callers & 1u << unit->plan->compartment))
            continue;
        for (size_t d = 0; d < unit->declaration_count; d++) {
            const struct declaration *const it = &unit->declarations[d];
            const int rank = owner ? it->definition ? 3 : 2 : 1;
            if (it->name == import->symbol && rank > best && is_function(clang_getCursorType(it->cursor))) {
                *where = (struct where) { unit, it->cursor };
                best = rank;
            }
        }
    }
    return best > 0;
}

void gates_for_imports(struct program *program) {
    index_definitions(program);
    for (size_t i = 0; i < program->plan->import_count; i++) {
        const struct import *const import = &program->plan->imports[i];
        struct where where;
        if (import->data)
            continue;
        if (!find_declaration(program, import, &where)) {
            const char *const caller = program->plan->compartments[__builtin_ctz(import->callers) - 1].name;
            plan_refuse(program->plan, intern_format("compartment.%s", caller), intern_format("boundary function %s", import->symbol),
                        intern_format("compartment %s calls it, but no C source declares it, so its arguments are not known", caller),
                        "declare it in a header that the program includes");
            continue;
        }
        struct gate *const gate = add_gate(import->owner, intern_format("__wrap_%s", import->symbol), import->symbol, &where);
        if (gate) {
            gate->callers |= import->callers;
            gate->exported = true;
            check_agreement(program, import, gate);
        }
    }
}

static const struct where *definition_elsewhere(const struct plan *plan, const char *function) {
    for (unsigned key = 1; key <= plan->compartment_count; key++)
        if (definition_of(key, function))
            return definition_of(key, function);
    return NULL;
}

bool gates_defines(const struct plan *plan, const char *function) {
    return definition_elsewhere(plan, function) || plan_import(plan, function);
}

const struct gate *gate_for_value(struct program *program, struct unit *unit, CXCursor function, CXCursor cause) {
    const char *const name = cursor_name(function);
    struct where where = { unit, function };
    unsigned owner = unit->plan->compartment;
    const char *symbol, *target = name;
    if (clang_getCursorLinkage(function) == CXLinkage_Internal) {
        symbol = intern_format("__ia2_gate_%u_%s", unit->plan->id, name);
        target = intern_format("__ia2_target_%u_%s", unit->plan->id, name);
        const CXCursor definition = clang_getCursorDefinition(function);
        if (!clang_Cursor_isNull(definition))
            where.cursor = definition;
    } else {
        const struct where *definition = definition_of(owner, name);
        const struct import *const import = plan_import(program->plan, name);
        if (!definition && import) {
            owner = import->owner;
            definition = definition_of(owner, name);
        } else if (!definition && (definition = definition_elsewhere(program->plan, name))) {
            owner = definition->unit->plan->compartment;   /* in code that this unit does not use, or it would import it */
        } else if (!definition && in_system_header(clang_getCanonicalCursor(function))) {
            refuse_at(cause, intern_format("address of %s", name),
                      "a function of libc is stored where other compartments can call it, and has no compartment of its own",
                      intern_format("store a function of the project that calls %s", name));
            return NULL;
        }
        CXString mangled = clang_Cursor_getMangling(function);
        const bool renamed = strcmp(clang_getCString(mangled), name) != 0;
        clang_disposeString(mangled);
        if (renamed) {
            refuse_at(cause, intern_format("address of %s", name), "an asm label gives the function another symbol",
                      "remove the label");
            return NULL;
        }
        symbol = intern_format("__wrap_%s", name);
        if (definition)
            where = *definition;
    }
    struct gate *const gate = add_gate(owner, symbol, target, &where);
    if (gate)
        gate->callers = plan_others(program->plan, owner);
    return gate;
}

static int compare(const void *left, const void *right) {
    const struct gate *const a = left, *const b = right;
    return a->owner != b->owner ? (a->owner < b->owner ? -1 : 1) : strcmp(a->symbol, b->symbol);
}

void gates_settle(void) {
    if (gate_count)
        qsort(gates, gate_count, sizeof(*gates), compare);
}

char *gates_assembly(const struct plan *plan, const struct compartment *compartment, size_t *length) {
    struct text out = { 0 };
    text_puts(&out, "/* Made by ia2-rewriter from plan.json. DO NOT EDIT. */\n");
    text_printf(&out, "#define IA2_ID %u\n#define IA2_NAME \"%s\"\n#define IA2_COMPARTMENTS %u\n", compartment->key,
                compartment->name, plan->compartment_count);
    for (unsigned i = 0; i < plan->compartment_count; i++)
        text_printf(&out, "#define IA2_PKRU_%u 0x%08x\n", i + 1, plan->compartments[i].pkru);
    if (compartment->heap_clients)
        text_printf(&out, "#define IA2_HEAP_CLIENTS 0x%x\n", compartment->heap_clients);
    text_puts(&out, "#include <ia2_gate.S>\n");
    for (size_t i = 0; i < gate_count; i++) {
        const struct gate *const g = &gates[i];
        if (g->owner != compartment->key)
            continue;
        text_printf(&out, "ia2_gate symbol=%s, target=%s, callers=0x%x, args_int=%u, args_sse=%u, ret_int=%u, ret_sse=%u, "
                    "stack_words=%u, sret_bytes=%u, type=0x%08x, export=%d\n", g->symbol, g->target, g->callers,
                    g->shape.args_int, g->shape.args_sse, g->shape.ret_int, g->shape.ret_sse, g->shape.stack_words,
                    g->shape.sret_bytes, g->type, g->exported);
    }
    text_puts(&out, "ia2_gates_end\n");
    *length = out.length;
    return out.data;
}
