#include "copies.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/made_lists.h"
#include "base/intern.h"
#include "edits.h"

#define MAX_SLOTS 16

struct parameters {
    const char *names[64];
    unsigned count;
};

static enum CXChildVisitResult add_parameter(struct cursor child, struct cursor parent, void *data)
{
    struct parameters *const parameters = data;
    (void)parent;
    if (cursor_kind(child) == CXCursor_ParmDecl && parameters->count < 64)
        parameters->names[parameters->count++] = cursor_name(child);
    return CXChildVisit_Continue;
}

static enum CXChildVisitResult find_type_reference(struct cursor child, struct cursor parent,
                                                   void *data)
{
    (void)parent;
    if (cursor_kind(child) != CXCursor_TypeRef)
        return CXChildVisit_Continue;
    *(struct cursor *)data = cursor_referenced(child);
    return CXChildVisit_Break;
}

/* Parameter names are written in the member's declaration, or in that of the typedef it has. */
static struct parameters parameters_of(struct cursor field)
{
    struct parameters parameters = {.count = 0};
    for (int i = 0; i < 4; i++) {
        cursor_visit(field, add_parameter, &parameters);
        struct cursor type = no_cursor();
        cursor_visit(field, find_type_reference, &type);
        if (parameters.count || cursor_kind(type) != CXCursor_TypedefDecl)
            break;
        field = type;
    }
    return parameters;
}

static bool is_record(struct cursor field, const char *name)
{
    const struct cursor record = cursor_parent(field);
    if (cursor_name(record) == name)
        return true;
    return type_text(type_canonical(cursor_type(record))) == name;
}

struct typedef_search {
    const char *name;
    struct type record;
    bool found;
};

/* `typedef struct tag Name;` names the record too. */
static enum CXChildVisitResult find_typedef(struct cursor child, struct cursor parent, void *data)
{
    struct typedef_search *const search = data;
    (void)parent;
    if (cursor_kind(child) == CXCursor_TypedefDecl && cursor_name(child) == search->name &&
        type_equal(type_canonical(cursor_type(child)), search->record)) {
        search->found = true;
        return CXChildVisit_Break;
    }
    return CXChildVisit_Continue;
}

static bool names_record(struct cursor field, const char *name)
{
    if (is_record(field, name))
        return true;
    const struct cursor record = cursor_parent(field);
    struct typedef_search search = {name, type_canonical(cursor_type(record)), false};
    cursor_visit(tree_root(field.tree), find_typedef, &search);
    return search.found;
}

struct parameter_copy *copy_of_argument(struct program *program, const struct call *call,
                                        unsigned index)
{
    if (cursor_is_null(call->field))
        return NULL;
    struct plan *const plan = &program->plan;
    const char *const name = cursor_name(call->field);
    for (size_t i = 0; i < plan->parameter_count; i++) {
        struct parameter_copy *const copy = &plan->parameters[i];
        if (copy->field != name || !names_record(call->field, copy->record))
            continue;
        const struct parameters parameters = parameters_of(call->field);
        if (index < parameters.count && parameters.names[index] == copy->parameter) {
            copy->used = true;
            return copy;
        }
    }
    return NULL;
}

static const char *entry_of(const struct parameter_copy *copy)
{
    return intern_format("%s.%s", copy->record, copy->field);
}

/* The copy is of sizeof(*argument), so that must be known. */
static bool copyable(struct unit *unit, struct cursor argument, const struct parameter_copy *copy)
{
    const struct type parameter = type_canonical(cursor_type(argument));
    const struct type pointee = type_pointee(parameter);
    const char *const construct =
        intern_format("parameter %s of %s", copy->parameter, entry_of(copy));
    if (parameter.kind != CXType_Pointer || type_size(pointee) < 0 ||
        type_canonical(pointee).kind == CXType_Void || is_function(pointee)) {
        refuse_at(argument, construct,
                  "the policy has it copied, but it does not point to an object of known size",
                  "remove the parameter from [parameters]");
        return false;
    }
    if (copy->direction != COPY_IN && type_is_const(pointee)) {
        refuse_at(argument, construct, "the policy has it copied back, but it points to const",
                  "write \"in\" for it in [parameters]");
        return false;
    }
    /* The macro sees the argument as it is written, without its conversion to the parameter's type.
     */
    const struct type type = type_canonical(expression_type(as_written(argument)));
    if (type.kind != CXType_Pointer ||
        type_spelling(unit, type_pointee(type)) != type_spelling(unit, pointee)) {
        refuse_at(
            argument, construct,
            "the policy has it copied, but the argument is not written as a pointer of its type",
            "pass a variable of the parameter's type");
        return false;
    }
    return true;
}

static bool add_slot(struct unit *unit, struct cursor argument, struct slot *slot,
                     const char *before, const char *instead)
{
    struct span span;
    if (!span_of(unit, argument, &span)) {
        refuse_at(
            argument, "argument of a call through the boundary",
            "it is shared or copied, and partly made by a macro, so there is no text to rewrite",
            "assign it to a local variable first and pass that");
        return false;
    }
    *slot = (struct slot){span.begin, span.end, intern(before), "); ", intern(instead)};
    return true;
}

static bool share_va_list(struct program *program, struct unit *unit, struct cursor argument,
                          struct slot *slot, unsigned n)
{
    const struct plan *const plan = &program->plan;
    const struct compartment *const caller = &plan->compartments[unit->plan->compartment - 1];
    if (!plan_readable_by_all(plan, caller->key) && list_is_own(unit, argument)) {
        refuse_at(argument, "va_list argument of a call through the boundary",
                  intern_format("the arguments it stands for lie on the stack of compartment %s, "
                                "which not every other "
                                "compartment may read",
                                caller->name),
                  intern_format("add reads = [\"%s\"] to the other compartments in the policy, or "
                                "format the text first and "
                                "pass that",
                                caller->name));
        return false;
    }
    return add_slot(unit, argument, slot, intern_format("IA2_VA_LIST_SHARE(%u, ", n),
                    intern_format("IA2_VA_LIST_SHARED(%u)", n));
}

void copies_of_call(struct program *program, struct unit *unit, const struct call *call)
{
    static const char *const macros[] = {"", "IA2_COPY_IN", "IA2_COPY_OUT", "IA2_COPY_INOUT"};
    struct slot slots[MAX_SLOTS];
    unsigned count = 0;
    const int arguments = cursor_argument_count(call->call);
    for (int i = 0; i < arguments; i++) {
        const struct cursor argument = cursor_argument(call->call, (unsigned)i);
        const struct parameter_copy *const copy = copy_of_argument(program, call, (unsigned)i);
        const bool va_list = is_va_list_parameter(expression_type(argument));
        if ((!copy && !va_list) || is_null_constant(argument))
            continue;
        if (count == MAX_SLOTS) {
            refuse_at(argument, "argument of a call through the boundary",
                      "too many arguments are shared or copied", "pass fewer");
            return;
        }
        if (copy ? !copyable(unit, argument, copy) ||
                       !add_slot(unit, argument, &slots[count],
                                 intern_format("%s(%u, ", macros[copy->direction], count),
                                 intern_format("IA2_COPIED(%u)", count))
                 : !share_va_list(program, unit, argument, &slots[count], count))
            return;
        count++;
    }
    if (!count)
        return;
    struct span span;
    if (!span_of(unit, call->call, &span) || slots[0].begin < span.begin ||
        slots[count - 1].end > span.end) {
        refuse_at(call->call, "call through the boundary",
                  "an argument is shared or copied, and the call is partly made by a macro, so "
                  "there is no text to rewrite",
                  "write the call out");
        return;
    }
    edit_template(program->edits, &span, slots, count, call->call);
}

void copies_check_used(const struct program *program)
{
    const struct plan *const plan = &program->plan;
    for (size_t i = 0; i < plan->parameter_count; i++) {
        const struct parameter_copy *const copy = &plan->parameters[i];
        if (!copy->used &&
            !plan_is_for_other_program(plan, intern_format("parameters.%s", entry_of(copy))))
            plan_refuse(
                plan, intern_format("parameters.%s", entry_of(copy)),
                intern_format("parameter %s of %s", copy->parameter, entry_of(copy)),
                "no call through such a member of an escaping type has it",
                "remove the line, or correct the name of the record, the member or the parameter");
    }
}
