#include "object_types.h"

#include <stdlib.h>
#include <string.h>

#include "abi/signature.h"

/* A function that begins or ends the life of objects of a type. */
struct maker {
    struct unit *unit;
    struct cursor function;
    const char *type;
    bool is_result, ends;
};

static struct maker *makers;
static size_t maker_count, maker_capacity;

/* The struct or union that a type points to, else NULL. */
static const char *object_of(struct unit *unit, struct type type, bool *constant)
{
    const struct type pointer = type_canonical(type);
    if (pointer.kind != CXType_Pointer)
        return NULL;
    const struct type pointee = type_canonical(type_pointee(pointer));
    *constant = type_is_const(pointee);
    return pointee.kind == CXType_Record ? type_spelling(unit, pointee) : NULL;
}

static void add_maker(struct unit *unit, struct cursor function, bool ends)
{
    struct signature signature = signature_of_type(cursor_type(function));
    struct maker made = {.unit = unit, .function = function, .ends = ends};
    bool constant = false;
    if (signature.count && (!ends || signature.count == 1))
        made.type = object_of(unit, signature.parameters[0], &constant);
    if (constant)
        made.type = NULL;
    if (!made.type && !ends) {
        made.type = object_of(unit, signature.result, &constant);
        made.is_result = true;
    }
    if (made.type)
        *PUSH(makers, maker_count, maker_capacity) = made;
    else if (ends)
        refuse_at(function, intern_format("IA2_DESTRUCTOR %s", cursor_name(function)),
                  "it is not a function of one pointer to a struct",
                  "give it the object alone as its parameter");
    else
        refuse_at(function, intern_format("IA2_CONSTRUCTOR %s", cursor_name(function)),
                  "neither its first parameter nor its result is a pointer to a struct that it "
                  "could make",
                  "pass the object first, or return it");
    signature_free(&signature);
}

static bool has_gate(const struct maker *it)
{
    for (size_t g = 0; g < gate_count; g++)
        if (gates[g].unit == it->unit && cursor_equal(gates[g].cursor, it->function))
            return true;
    return false;
}

static const struct maker *find_maker(unsigned compartment, const char *type, bool with_gate)
{
    for (size_t i = 0; i < maker_count; i++)
        if (!makers[i].ends && makers[i].type == type &&
            makers[i].unit->plan->compartment == compartment &&
            (!with_gate || has_gate(&makers[i])))
            return &makers[i];
    return NULL;
}

/* Only what is made through a gate is registered: a type that nobody else can make or that has no
 * maker at all is a mistake. */
static void check_makers(void)
{
    for (size_t i = 0; i < maker_count; i++) {
        const struct maker *const it = &makers[i];
        const unsigned compartment = it->unit->plan->compartment;
        if (it->ends && !find_maker(compartment, it->type, false))
            refuse_at(
                it->function, intern_format("IA2_DESTRUCTOR %s", cursor_name(it->function)),
                intern_format("no function of its compartment is IA2_CONSTRUCTOR of %s", it->type),
                "mark the function that makes the object");
        else if (!it->ends && !find_maker(compartment, it->type, true))
            refuse_at(it->function, intern_format("IA2_CONSTRUCTOR %s", cursor_name(it->function)),
                      intern_format("no other compartment calls it, so no %s would be registered, "
                                    "and functions that take one would stop every call",
                                    it->type),
                      "mark the function by which other compartments get the object");
    }
}

/* Whether the compartment keeps account of the objects of a type. */
static bool is_registered(unsigned compartment, const char *type)
{
    return find_maker(compartment, type, false);
}

/* Whether it is an inline function of a header that the unit does not use. */
static bool is_unused(const struct unit *unit, struct cursor function)
{
    for (size_t f = 0; f < unit->function_count; f++)
        if (cursor_equal(unit->functions[f].cursor, function))
            return unit->functions[f].dead;
    return false;
}

void object_types_find(struct program *program)
{
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t a = 0; a < program->units[u].annotation_count; a++) {
            const struct annotation *const it = &program->units[u].annotations[a];
            const bool ends = !strcmp(it->text, "ia2_destructor");
            if (it->definition && (ends || !strcmp(it->text, "ia2_constructor")) &&
                !is_unused(&program->units[u], it->function))
                add_maker(&program->units[u], it->function, ends);
        }
    check_makers();
}

bool object_checks_of(struct program *program, const struct gate *gate,
                      struct object_checks *checks)
{
    if (!maker_count || gates_is_libc(program->plan, gate->cursor))
        return false;
    for (size_t i = 0; i < maker_count; i++) {
        const struct maker *const it = &makers[i];
        if (it->unit != gate->unit || !cursor_equal(it->function, gate->cursor))
            continue;
        if (it->ends && is_registered(gate->owner, it->type))
            checks->ended = it->type;
        else if (!it->ends)
            checks->begun = it->type;
        checks->begun_is_result |= it->is_result;
    }
    struct signature signature = signature_of_type(cursor_type(gate->cursor));
    for (size_t i = 0; i < signature.count; i++) {
        bool constant;
        const char *const type = object_of(gate->unit, signature.parameters[i], &constant);
        const bool own = i == 0 && (checks->ended || (checks->begun && !checks->begun_is_result));
        if (type && !own && is_registered(gate->owner, type))
            *PUSH(checks->checks, checks->count, checks->capacity) =
                (struct object_check){i + 1, type};
    }
    const bool is_definition = cursor_is_definition(gate->cursor);
    if (checks->count && (signature.variadic || !is_definition))
        refuse_at(gate->cursor, intern_format("boundary function %s", gate->function),
                  intern_format("it takes %s, whose objects IA2_CONSTRUCTOR registers, and its "
                                "calls cannot be checked: %s",
                                checks->checks[0].type,
                                is_definition ? "it is variadic" : "it is not C"),
                  "put a C function of plain parameters in front of it, and let that one cross");
    signature_free(&signature);
    return checks->count || checks->begun || checks->ended;
}

void object_checks_free(struct object_checks *checks)
{
    free(checks->checks);
    *checks = (struct object_checks){0};
}

void object_checks_before(struct text *out, const struct object_checks *checks,
                          const char *function)
{
    for (size_t i = 0; i < checks->count; i++)
        text_printf(out, "    ia2_object_check(ia2_%zu, \"%s\", \"%s\");\n",
                    checks->checks[i].parameter, checks->checks[i].type, function);
}

void object_checks_end(struct text *out, const struct object_checks *checks, const char *function)
{
    if (checks->ended)
        text_printf(out, "    ia2_object_end(ia2_1, \"%s\", \"%s\");\n", checks->ended, function);
}

void object_checks_after(struct text *out, const struct object_checks *checks, const char *function)
{
    if (checks->begun)
        text_printf(out, "    ia2_object_begin(%s, \"%s\", \"%s\");\n",
                    checks->begun_is_result ? "ia2_result" : "ia2_1", checks->begun, function);
}
