#include "own_values.h"

#include <string.h>

#include "base/intern.h"
#include "flow.h"

struct question {
    struct program *program;
    struct unit *unit;
    struct map *asked; /* set of variables and functions, those in whose circle the value is too */
    bool own;
};

static bool is_own(const struct question *question, struct cursor value);

static void ask_stored(void *data, struct unit *unit, struct cursor value)
{
    struct question *const question = data;
    const struct question here = {question->program, unit, question->asked, true};
    question->own = question->own && is_own(&here, value);
}

/* What is stored in a variable, or returned by a function. */
static size_t ask_all_stored(struct question *question, struct cursor declaration)
{
    const size_t count = flow_stored(question->unit, declaration, NULL, NULL);
    if (count == SIZE_MAX)
        question->own = false;
    else
        flow_stored(question->unit, declaration, ask_stored, question);
    return count;
}

struct arguments {
    struct question *question;
    unsigned position;
    size_t calls;
};

static void ask_argument(void *data, struct unit *unit, struct cursor call)
{
    struct arguments *const arguments = data;
    const bool given = arguments->position < (unsigned)cursor_argument_count(call);
    arguments->calls++;
    if (given)
        ask_stored(arguments->question, unit, cursor_argument(call, arguments->position));
    else
        arguments->question->own = false;
}

/* Whether others than the compartment's own direct calls may call a function. */
static bool is_called_by_others(const struct question *question, struct cursor function)
{
    const struct program *const program = question->program;
    const char *const name = cursor_name(function);
    const unsigned key = question->unit->plan->compartment;
    return (cursor_linkage(function) != CXLinkage_Internal &&
            (plan_import(&program->plan, name) || plan_is_entry(&program->plan, name))) ||
           map_get(&program->flow->addressed_functions[key], key_of(flow_place(function)));
}

static void ask_parameter(struct question *question, struct cursor parameter)
{
    const struct cursor function = cursor_parent(parameter);
    struct arguments arguments = {question, parameter_position(parameter), 0};
    if (cursor_kind(function) != CXCursor_FunctionDecl || is_called_by_others(question, function)) {
        question->own = false;
        return;
    }
    flow_calls(question->unit, function, ask_argument, &arguments);
    if (!arguments.calls)
        question->own = false;
}

struct members {
    bool pointers; /* all are, or hold nothing but pointers */
    bool apart; /* none shares its place with something else than a pointer */
};

static enum CXVisitorResult look_at_member(struct cursor field, void *data);

/* Stores of numbers are not followed, so no number may lie where a pointer is read. */
static struct members members_of(struct type type)
{
    type = without_atomic(type);
    while (is_array(type))
        type = without_atomic(type_element(type));
    struct members members = {true, true};
    if (type.kind != CXType_Record)
        return (struct members){type.kind == CXType_Pointer, true};
    type_visit_fields(type, look_at_member, &members);
    if (cursor_kind(type_declaration(type)) == CXCursor_UnionDecl && !members.pointers)
        members.apart = false;
    return members;
}

static enum CXVisitorResult look_at_member(struct cursor field, void *data)
{
    struct members *const members = data, own = members_of(cursor_type(field));
    members->pointers = members->pointers && own.pointers;
    members->apart = members->apart && own.apart;
    return CXVisit_Continue;
}

static bool is_own_variable(const struct question *context, struct cursor variable)
{
    struct question question = *context;
    const struct plan *const plan = &question.program->plan;
    const char *const name = cursor_name(variable);
    const bool external = cursor_linkage(variable) == CXLinkage_External,
               parameter = cursor_kind(variable) == CXCursor_ParmDecl;
    if (!flow_is_variable(variable) || !members_of(cursor_type(variable)).apart ||
        plan_is_shared(plan, name) || is_marked_shared(variable) ||
        (external && plan_import(plan, name)))
        return false;
    if (!map_add(question.asked, key_of(flow_place(variable))))
        return true;
    question.own = true;
    const size_t stored = ask_all_stored(&question, variable);
    if (external && !stored)
        return false; /* defined where nothing was parsed */
    if (parameter && question.own)
        ask_parameter(&question, variable);
    return question.own;
}

/* Functions of libc whose result is nothing that they were given. */
static bool makes_addresses(const char *name)
{
    static const char *const names[] = {"dlsym", "dlvsym", "mmap", "mmap64", "mremap"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static bool is_own_result(const struct question *context, struct cursor call)
{
    struct question question = *context;
    const struct cursor function = named_function(first_child(call));
    if (cursor_is_null(function))
        return false;
    const struct import *const import =
        cursor_linkage(function) == CXLinkage_Internal
            ? NULL
            : plan_import(&question.program->plan, cursor_name(function));
    if (import)
        return false;
    if (in_system_header(function))
        return makes_addresses(cursor_name(function));
    if (!map_add(question.asked, key_of(flow_place(function))))
        return true;
    question.own = true;
    return ask_all_stored(&question, function) && question.own;
}

static enum CXChildVisitResult ask_operand(struct cursor child, struct cursor parent, void *data)
{
    struct question *const question = data;
    const bool condition = cursor_kind(parent) == CXCursor_ConditionalOperator &&
                           cursor_equal(child, first_child(parent));
    if (!clang_isExpression(cursor_kind(child)) || condition)
        return CXChildVisit_Continue;
    if (cursor_kind(child) == CXCursor_UnexposedExpr &&
        !cursor_equal(first_child(child), last_expression(child)))
        child = last_expression(child); /* .member = value, [n] = value */
    question->own = question->own && is_own(question, child);
    return CXChildVisit_Continue;
}

static bool is_own_operator(const struct question *context, struct cursor expression)
{
    switch (cursor_binary_operator(expression)) {
    case CXBinaryOperator_Assign:
    case CXBinaryOperator_Comma:
        return is_own(context, last_expression(expression));
    default:
        return false;
    }
}

static bool is_own(const struct question *context, struct cursor value)
{
    const struct cursor inner = strip_casts(value);
    const enum CXCursorKind kind = cursor_kind(inner);
    struct question question = *context;
    question.own = true;
    if (!cursor_is_null(named_function(inner)) || is_integer_constant(inner) ||
        is_object_address(inner) || kind == CXCursor_StringLiteral)
        return true;
    if (kind == CXCursor_BinaryOperator)
        return is_own_operator(context, inner);
    if (kind == CXCursor_ConditionalOperator || kind == CXCursor_InitListExpr) {
        cursor_visit(inner, ask_operand, &question);
        return question.own;
    }
    if (kind == CXCursor_CallExpr)
        return is_own_result(context, inner);
    if (kind != CXCursor_DeclRefExpr && kind != CXCursor_MemberRefExpr &&
        kind != CXCursor_ArraySubscriptExpr)
        return false;
    const struct cursor variable = base_variable(inner);
    return flow_holds_addresses(cursor_type(inner)) && !cursor_is_null(variable) &&
           is_own_variable(context, variable);
}

bool is_own_value(struct program *program, struct unit *unit, struct cursor value)
{
    struct map asked = {0};
    const bool own = is_own(&(struct question){program, unit, &asked, true}, value);
    map_free(&asked);
    return own;
}
