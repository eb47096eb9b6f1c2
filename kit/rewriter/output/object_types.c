#include "object_types.h"

#include <stdlib.h>
#include <string.h>

#include "abi/signature.h"
#include "base/intern.h"

/* A function that begins or ends the life of objects of a type. */
struct object_maker {
    struct unit *unit;
    struct cursor function;
    const char *type;
    bool is_result, ends;
};

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

static void add_maker(struct object_makers *makers, struct unit *unit, struct cursor function,
                      bool ends)
{
    struct signature signature = signature_of_type(cursor_type(function));
    struct object_maker made = {.unit = unit, .function = function, .ends = ends};
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
        *PUSH(makers->list, makers->count, makers->capacity) = made;
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

static bool has_gate(const struct object_maker *maker)
{
    const struct gates *const gates = maker->unit->program->gates;
    for (size_t g = 0; g < gates->count; g++)
        if (gates->list[g].unit == maker->unit &&
            cursor_equal(gates->list[g].cursor, maker->function))
            return true;
    return false;
}

static const struct object_maker *find_maker(const struct object_makers *makers,
                                             unsigned compartment, const char *type, bool with_gate)
{
    for (size_t i = 0; i < makers->count; i++) {
        const struct object_maker *const maker = &makers->list[i];
        if (!maker->ends && maker->type == type && maker->unit->plan->compartment == compartment &&
            (!with_gate || has_gate(maker)))
            return maker;
    }
    return NULL;
}

/* Only what is made through a gate is registered: a type that nobody else can make or that has no
 * maker at all is a mistake. */
static void check_makers(const struct object_makers *makers)
{
    for (size_t i = 0; i < makers->count; i++) {
        const struct object_maker *const maker = &makers->list[i];
        const unsigned compartment = maker->unit->plan->compartment;
        if (maker->ends && !find_maker(makers, compartment, maker->type, false))
            refuse_at(maker->function,
                      intern_format("IA2_DESTRUCTOR %s", cursor_name(maker->function)),
                      intern_format("no function of its compartment is IA2_CONSTRUCTOR of %s",
                                    maker->type),
                      "mark the function that makes the object");
        else if (!maker->ends && !find_maker(makers, compartment, maker->type, true))
            refuse_at(maker->function,
                      intern_format("IA2_CONSTRUCTOR %s", cursor_name(maker->function)),
                      intern_format("no other compartment calls it, so no %s would be registered, "
                                    "and functions that take one would stop every call",
                                    maker->type),
                      "mark the function by which other compartments get the object");
    }
}

/* Whether the compartment keeps account of the objects of a type. */
static bool is_registered(const struct object_makers *makers, unsigned compartment,
                          const char *type)
{
    return find_maker(makers, compartment, type, false);
}

/* Whether it is an inline function of a header that the unit does not use. */
static bool is_unused(const struct unit *unit, struct cursor function)
{
    for (size_t f = 0; f < unit->function_count; f++)
        if (cursor_equal(unit->functions[f].cursor, function))
            return unit->functions[f].dead;
    return false;
}

struct object_makers object_makers_find(struct program *program)
{
    struct object_makers makers = {0};
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t a = 0; a < program->units[u].annotation_count; a++) {
            const struct annotation *const annotation = &program->units[u].annotations[a];
            const bool ends = !strcmp(annotation->text, "ia2_destructor");
            if (annotation->definition && (ends || !strcmp(annotation->text, "ia2_constructor")) &&
                !is_unused(&program->units[u], annotation->function))
                add_maker(&makers, &program->units[u], annotation->function, ends);
        }
    check_makers(&makers);
    return makers;
}

bool object_checks_of(const struct object_makers *makers, const struct gate *gate,
                      struct object_checks *checks)
{
    if (!makers->count || gates_is_libc(gate->unit->program, gate->cursor))
        return false;
    for (size_t i = 0; i < makers->count; i++) {
        const struct object_maker *const maker = &makers->list[i];
        if (maker->unit != gate->unit || !cursor_equal(maker->function, gate->cursor))
            continue;
        if (maker->ends && is_registered(makers, gate->owner, maker->type))
            checks->ended = maker->type;
        else if (!maker->ends)
            checks->begun = maker->type;
        checks->begun_is_result |= maker->is_result;
    }
    struct signature signature = signature_of_type(cursor_type(gate->cursor));
    for (size_t i = 0; i < signature.count; i++) {
        bool constant;
        const char *const type = object_of(gate->unit, signature.parameters[i], &constant);
        const bool own = i == 0 && (checks->ended || (checks->begun && !checks->begun_is_result));
        if (type && !own && is_registered(makers, gate->owner, type))
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
