#include "variadic.h"

#include <stdlib.h>
#include <string.h>

#include "abi/mangle.h"
#include "analysis/escape.h"
#include "analysis/gates.h"
#include "base/intern.h"
#include "edits.h"

struct argument_lists {
    struct map by_type; /* function-pointer spelling -> struct variadic_lists */
    struct map uncalled; /* ABI string -> struct variadic_lists */
};

static void note_call(struct unit *unit, const struct call *call)
{
    struct map *const types = &unit->program->argument_lists->by_type;
    struct variadic_lists *lists = map_get(types, key_of(call->type));
    struct signature signature = signature_of_call(callee_type(call->callee), call->call);
    const char *const abi = signature_mangled(unit, &signature);
    if (!lists) {
        lists = must_alloc(sizeof(*lists));
        map_put(types, key_of(call->type), lists);
    }
    for (size_t i = 0; i < lists->count; i++)
        if (lists->lists[i].abi == abi) {
            signature_free(&signature);
            return;
        }
    *PUSH(lists->lists, lists->count, lists->capacity) = (struct variadic_list){signature, abi};
}

static int compare_lists(const void *left, const void *right)
{
    return strcmp(((const struct variadic_list *)left)->abi,
                  ((const struct variadic_list *)right)->abi);
}

void variadic_scan(struct program *program)
{
    program->argument_lists = must_alloc(sizeof(*program->argument_lists));
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t c = 0; c < program->units[u].call_count; c++) {
            const struct call *const call = &program->units[u].calls[c];
            if (call->type && escapes(program, call->type) &&
                is_variadic(callee_type(call->callee)) && !written_in_system_header(call->callee))
                note_call(&program->units[u], call);
        }
    const struct map *const types = &program->argument_lists->by_type;
    for (size_t i = 0; i < types->capacity; i++) {
        struct variadic_lists *const lists = types->slots[i].value;
        if (lists)
            qsort(lists->lists, lists->count, sizeof(*lists->lists), compare_lists);
    }
}

const struct variadic_lists *variadic_lists(const struct program *program,
                                            const char *function_pointer)
{
    return map_get(&program->argument_lists->by_type, key_of(function_pointer));
}

const struct variadic_lists *variadic_uncalled(struct unit *unit, struct cursor function)
{
    struct map *const known = &unit->program->argument_lists->uncalled;
    struct signature signature = signature_of_type(cursor_type(function));
    const char *const abi = signature_mangled(unit, &signature);
    struct variadic_lists *lists = map_get(known, key_of(abi));
    if (lists) {
        signature_free(&signature);
        return lists;
    }
    lists = must_alloc(sizeof(*lists));
    *lists = (struct variadic_lists){0};
    *PUSH(lists->lists, lists->count, lists->capacity) = (struct variadic_list){signature, abi};
    map_put(known, key_of(abi), lists);
    return lists;
}

/* ---- calls in the body of a macro, which each use may make with other arguments: the compiler
 * picks the gate ---- */

/* One such call's text, and the gates of all of its uses by the number of arguments of each kind.
 */
struct choice {
    struct source *source;
    const char *function, *macro;
    struct {
        unsigned key;
        const char *gate;
        struct shape shape;
    } *gates;
    size_t count, capacity;
};

struct choices {
    struct choice *list;
    size_t count, capacity;
};

static struct choice *choice_at(struct choices *choices, const struct span *name,
                                const char *function)
{
    for (size_t i = 0; i < choices->count; i++)
        if (choices->list[i].source == name->source && choices->list[i].function == function)
            return &choices->list[i];
    struct choice *const choice = PUSH(choices->list, choices->count, choices->capacity);
    choice->source = name->source;
    choice->function = function;
    choice->macro = intern_format("ia2_%08x_%s", mangle_hash(name->source->shown), function);
    return choice;
}

/* IA2_SHAPE of ia2_variadic.h, for the arguments as they are written. */
static unsigned shape_key(const struct call *call)
{
    unsigned key = 0;
    for (int i = 0; i < cursor_argument_count(call->call); i++) {
        const enum CXTypeKind kind =
            type_canonical(cursor_type(as_written(cursor_argument(call->call, (unsigned)i)))).kind;
        key += kind == CXType_Float || kind == CXType_Double ? 64 : 1;
    }
    return key;
}

static bool is_plain(const struct signature *signature)
{
    for (size_t i = signature->fixed; i < signature->count; i++) {
        const struct type type = type_canonical(signature->parameters[i]);
        if (type_size(type) > 8 || type.kind == CXType_Record || type.kind == CXType_Vector ||
            type.kind == CXType_Complex)
            return false;
    }
    return signature->count <= 32;
}

static void choose(struct choices *choices, struct unit *unit, const struct call *call,
                   const struct span *name, const struct signature *signature)
{
    struct choice *const choice = choice_at(choices, name, call->import->symbol);
    const char *const construct =
        intern_format("call of variadic boundary function %s in a macro", call->import->symbol);
    if (!is_plain(signature)) {
        refuse_at(call->call, construct,
                  "an argument is neither a number of at most 8 bytes nor a pointer, or there are "
                  "more than 32",
                  "call the function without the macro here");
        return;
    }
    const struct gate *const gate =
        gate_for_arguments(unit, call->import, named_function(call->callee), signature, call->call);
    if (!gate)
        return;
    const unsigned key = shape_key(call);
    edit_wrap(unit->program->edits, name, EDIT_REPLACE, choice->macro, "", call->call);
    for (size_t i = 0; i < choice->count; i++)
        if (choice->gates[i].key == key) {
            if (memcmp(&choice->gates[i].shape, &gate->shape, sizeof(gate->shape)))
                refuse_at(call->call, construct,
                          "another use of the macro passes as many numbers of each kind, but in "
                          "other registers",
                          "give the fixed parameters arguments of their own types");
            return;
        }
    *PUSH(choice->gates, choice->count, choice->capacity) =
        (__typeof__(*choice->gates)){key, gate->symbol, gate->shape};
}

static int compare_keys(const void *left, const void *right)
{
    const unsigned a = *(const unsigned *)left, b = *(const unsigned *)right;
    return (a > b) - (a < b);
}

static void declare_choices(struct edits *edits, const struct choices *choices)
{
    for (size_t i = 0; i < choices->count; i++) {
        struct choice *const choice = &choices->list[i];
        struct text text = {0};
        if (choice->count)
            qsort(choice->gates, choice->count, sizeof(*choice->gates), compare_keys);
        for (size_t g = 0; g < choice->count; g++) {
            text_printf(&text, ", [%u] = %s", choice->gates[g].key, choice->gates[g].gate);
            edit_declare(edits, choice->source,
                         intern_format("extern const char %s[];", choice->gates[g].gate));
        }
        if (choice->count)
            edit_declare(edits, choice->source,
                         intern_format("#define %s(...) IA2_VARIADIC_BY_SHAPE(%s, (__VA_ARGS__)%s)",
                                       choice->macro, choice->function, text.data));
        free(text.data);
    }
}

/* ---- direct calls --------------------------------------------------------------------------- */

static bool takes_address(struct cursor callee)
{
    for (callee = strip_implicit(callee); cursor_kind(callee) == CXCursor_UnaryOperator;
         callee = strip_implicit(first_child(callee)))
        if (cursor_unary_operator(callee) == CXUnaryOperator_AddrOf)
            return true;
    return false;
}

static struct cursor reference_of(struct cursor callee)
{
    callee = strip_implicit(callee);
    while (cursor_kind(callee) == CXCursor_UnaryOperator)
        callee = strip_implicit(first_child(callee));
    return callee;
}

static void rewrite_call(struct choices *choices, struct unit *unit, const struct call *call)
{
    const char *const name = call->import->symbol;
    const struct cursor function = named_function(call->callee);
    struct signature signature = signature_of_call(cursor_type(function), call->call);
    struct span span;
    if (!span_of_name(unit, reference_of(call->callee), name, &span) ||
        takes_address(call->callee)) {
        refuse_at(
            call->call, intern_format("call of variadic boundary function %s", name),
            "its name is put together by a macro or preceded by &, so there is no text to rewrite",
            "write the name out");
    } else if (span.kind == PLACE_BODY) {
        choose(choices, unit, call, &span, &signature);
    } else {
        const struct gate *const gate =
            gate_for_arguments(unit, call->import, function, &signature, call->call);
        if (gate) {
            edit_wrap(unit->program->edits, &span, EDIT_NAME, "IA2_VARIADIC(",
                      intern_format(", %08x)", gate->type), call->call);
            edit_declare(unit->program->edits, span.source,
                         intern_format("extern const char %s[];", gate->symbol));
        }
    }
    signature_free(&signature);
}

static void rewrite_calls(struct program *program, struct choices *choices)
{
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t c = 0; c < program->units[u].call_count; c++) {
            const struct call *const call = &program->units[u].calls[c];
            if (!call->type && is_variadic(cursor_type(named_function(call->callee))))
                rewrite_call(choices, &program->units[u], call);
        }
}

/* The owner calls the function itself, except where the text is that of another compartment's call.
 */
static void rewrite_own_calls(struct program *program, struct choices *choices)
{
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t c = 0; c < program->units[u].own_call_count; c++) {
            struct unit *const unit = &program->units[u];
            const struct call *const call = &unit->own_calls[c];
            struct span span;
            if (span_of_name(unit, reference_of(call->callee), call->import->symbol, &span) &&
                edit_at_name(unit->program->edits, span.source, span.begin))
                rewrite_call(choices, unit, call);
        }
}

void variadic_rewrite(struct program *program)
{
    struct choices choices = {0};
    rewrite_calls(program, &choices);
    rewrite_own_calls(program, &choices);
    declare_choices(program->edits, &choices);
    for (size_t i = 0; i < choices.count; i++)
        free(choices.list[i].gates);
    free(choices.list);
}
