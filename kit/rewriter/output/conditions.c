#include "conditions.h"

#include <stdlib.h>
#include <string.h>

#include "abi/signature.h"
#include "base/intern.h"
#include "edits/edits.h"
#include "object_types.h"

struct condition {
    struct unit *unit; /* that defines it */
    struct cursor function;
    bool post;
    const char *target; /* the name that the macro is given */
    const char *place; /* of its text: units that include the same header have the same condition */
    struct unit *target_unit;
    struct cursor target_function; /* null: refused */
};

struct conditions {
    struct condition *list;
    size_t count, capacity;
};

static const char *macro_of(const struct condition *condition)
{
    return intern_format("%s(%s)",
                         condition->post ? "IA2_POST_CONDITION_FOR" : "IA2_PRE_CONDITION_FOR",
                         condition->target);
}

static void refuse_condition(const struct condition *condition, const char *reason,
                             const char *remedy)
{
    refuse_at(condition->function,
              intern_format("%s of %s", macro_of(condition), cursor_name(condition->function)),
              reason, remedy);
}

/* Where a unit, or else the compartment, defines the function that a condition is for. `refuse`: if
 * nothing does. */
static bool find_target(struct program *program, struct condition *condition, bool refuse)
{
    const char *reason = intern_format("the program defines no function %s", condition->target),
               *remedy = "correct the name";
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        const bool here = unit == condition->unit,
                   ours = unit->plan->compartment == condition->unit->plan->compartment;
        for (size_t f = 0; f < unit->function_count; f++) {
            const struct function *const function = &unit->functions[f];
            if (function->name != condition->target)
                continue;
            if (here || (ours && !function->is_static)) {
                condition->target_unit = unit;
                condition->target_function = function->cursor;
                if (here)
                    return true;
            } else {
                reason =
                    ours ? intern_format("%s is a static function of another file",
                                         condition->target)
                         : intern_format(
                               "%s is defined in compartment %s, and this in %s", condition->target,
                               program->plan.compartments[unit->plan->compartment - 1].name,
                               program->plan.compartments[condition->unit->plan->compartment - 1]
                                   .name);
                remedy = ours ? "put the condition into that file"
                              : "put the condition into that compartment";
            }
        }
    }
    if (!condition->target_unit && refuse)
        refuse_condition(condition, reason, remedy);
    return condition->target_unit;
}

static struct type unqualified_pointee(struct type type)
{
    return type_unqualified(type_canonical(type_pointee(type_canonical(type))));
}

/* Whether a parameter of a condition takes what the function has there: its type, or a pointer that
 * promises more or says less. */
static bool takes(struct unit *own_unit, struct type own, struct unit *unit, struct type given)
{
    if (type_spelling(own_unit, own) == type_spelling(unit, given))
        return true;
    if (type_canonical(own).kind != CXType_Pointer || type_canonical(given).kind != CXType_Pointer)
        return false;
    const struct type pointee = unqualified_pointee(own);
    return pointee.kind == CXType_Void ||
           type_spelling(own_unit, pointee) == type_spelling(unit, unqualified_pointee(given));
}

static bool check_signature(const struct condition *condition)
{
    struct signature own = signature_of_type(cursor_type(condition->function));
    struct signature target = signature_of_type(cursor_type(condition->target_function));
    const enum CXTypeKind result = type_canonical(own.result).kind,
                          target_result = type_canonical(target.result).kind;
    const char *reason = NULL, *remedy = NULL;
    if (target.variadic || own.variadic) {
        reason = "a variadic function can have no conditions, as its arguments are not known";
        remedy = "put the condition on a function of plain parameters (va_list is one)";
    } else if (target.function.kind == CXType_FunctionNoProto) {
        reason =
            intern_format("%s has no prototype, so its arguments are not known", condition->target);
        remedy = "declare its parameters; (void) if it has none";
    } else if (result != CXType_Void && result != CXType_Bool) {
        reason = intern_format("it returns %s", type_spelling(condition->unit, own.result));
        remedy =
            "let it return _Bool (false ends the program), or nothing and end the program itself";
    } else if (own.count > target.count + (condition->post && target_result != CXType_Void)) {
        reason = intern_format("it has %zu parameters, and %s has %zu", own.count,
                               condition->target, target.count);
        remedy =
            condition->post
                ? "give it the first parameters of the function, or all of them and then the result"
                : "give it the first parameters of the function";
    }
    for (size_t i = 0; !reason && i < own.count; i++)
        if (!takes(condition->unit, own.parameters[i], condition->target_unit,
                   i < target.count ? target.parameters[i] : target.result)) {
            const struct type given = i < target.count ? target.parameters[i] : target.result;
            reason = intern_format("its parameter %zu is of type %s, and gets %s", i + 1,
                                   type_spelling(condition->unit, own.parameters[i]),
                                   type_spelling(condition->target_unit, given));
            remedy = "give it the parameter's type in the function";
        }
    if (reason)
        refuse_condition(condition, reason, remedy);
    signature_free(&own);
    signature_free(&target);
    return !reason;
}

/* A mark counts on a definition. Whether that of a declared function, wherever it is, has the same
 * one. */
static void check_defined(const struct program *program, const struct annotation *declared)
{
    static const char *const macros[][2] = {{"ia2_pre_condition:", "IA2_PRE_CONDITION_FOR"},
                                            {"ia2_post_condition:", "IA2_POST_CONDITION_FOR"},
                                            {"ia2_constructor", "IA2_CONSTRUCTOR"},
                                            {"ia2_destructor", "IA2_DESTRUCTOR"}};
    const char *const name = cursor_name(declared->function), *macro = NULL;
    for (size_t m = 0; m < sizeof(macros) / sizeof(*macros); m++)
        if (!strncmp(declared->text, macros[m][0], strlen(macros[m][0])))
            macro = macros[m][1];
    for (size_t u = 0; macro && u < program->unit_count; u++)
        for (size_t a = 0; a < program->units[u].annotation_count; a++) {
            const struct annotation *const annotation = &program->units[u].annotations[a];
            if (annotation->definition && annotation->text == declared->text &&
                cursor_name(annotation->function) == name)
                return;
        }
    if (macro)
        refuse_at(declared->function, intern_format("%s of %s", macro, name),
                  "no definition of the function is seen with the macro",
                  "put the macro on the definition");
}

static void collect(struct conditions *conditions, struct program *program, struct unit *unit,
                    const struct annotation *annotation)
{
    if (!annotation->definition) {
        check_defined(program, annotation);
        return;
    }
    static const char pre[] = "ia2_pre_condition:", post[] = "ia2_post_condition:";
    const bool is_pre = !strncmp(annotation->text, pre, sizeof(pre) - 1),
               is_post = !strncmp(annotation->text, post, sizeof(post) - 1);
    if (!is_pre && !is_post)
        return;
    struct condition made = {
        .unit = unit,
        .function = annotation->function,
        .post = is_post,
        .target = intern(annotation->text + (is_pre ? sizeof(pre) : sizeof(post)) - 1),
        .target_function = no_cursor()};
    const char *file;
    unsigned line, column;
    cursor_position(annotation->function, &file, &line, &column);
    made.place = intern_format("%s:%u:%u", file, line, column);
    *PUSH(conditions->list, conditions->count, conditions->capacity) = made;
}

/* Drops each condition that another unit has from the same header: it runs once, and in the
 * compartment that has its function. */
static void keep_one_each(struct conditions *conditions, struct program *program)
{
    size_t kept = 0;
    for (size_t i = 0; i < conditions->count; i++) {
        struct condition condition = conditions->list[i];
        bool elsewhere = false;
        find_target(program, &condition, false);
        for (size_t k = 0;
             k < conditions->count && !elsewhere && condition.target_unit != condition.unit; k++) {
            struct condition other = conditions->list[k];
            if (k == i || other.place != condition.place || other.target != condition.target ||
                other.post != condition.post)
                continue;
            find_target(program, &other, false);
            elsewhere = condition.target_unit ? other.target_unit == condition.target_unit &&
                                                    (other.unit == condition.target_unit || k < i)
                                              : other.target_unit != NULL;
        }
        if (!elsewhere && find_target(program, &condition, true) && check_signature(&condition))
            conditions->list[kept++] = condition;
    }
    conditions->count = kept;
}

/* ---- the function in front of a checked one ------------------------------------------------- */

static bool is_for(const struct condition *condition, const struct gate *gate)
{
    return condition->target_unit == gate->unit &&
           cursor_equal(condition->target_function, gate->cursor);
}

/* `ia2_1, ia2_2`, the names of the first `count` parameters. */
static void put_arguments(struct text *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_printf(out, "%sia2_%zu", i ? ", " : "", i + 1);
}

/* A type as the end of the function's file can write it; false if it has no name. GCC knows the tag
 * of a va_list's struct as another. */
static bool put_type(struct text *out, struct type type)
{
    if (is_va_list_parameter(type)) {
        text_puts(out, "__builtin_va_list");
        return true;
    }
    const char *const text = type_text(type);
    const bool named = !strstr(text, "(unnamed") && !strstr(text, "(anonymous");
    text_printf(out, "__typeof__(%s)", text);
    return named;
}

static bool put_parameters(struct text *out, const struct signature *signature, size_t count,
                           bool names)
{
    bool named = true;
    for (size_t i = 0; i < count; i++) {
        text_puts(out, i ? ", " : "");
        named &= put_type(out, i < signature->count ? signature->parameters[i] : signature->result);
        if (names)
            text_printf(out, " ia2_%zu", i + 1);
    }
    text_puts(out, count ? "" : "void");
    return named;
}

/* The name by which `unit` calls a condition: its own, or one declared for the purpose, since a
 * condition in another file has perhaps no declaration here. */
static const char *condition_name(struct text *declarations, const struct condition *condition,
                                  const struct signature *target)
{
    const char *const name = cursor_name(condition->function);
    if (condition->unit == condition->target_unit)
        return name;
    const bool is_static = cursor_linkage(condition->function) == CXLinkage_Internal;
    const char *const alias = intern_format("__ia2_condition_%u_%s_of_%s",
                                            condition->unit->plan->id, name, condition->target);
    const struct type type = cursor_type(condition->function);
    struct signature own = signature_of_type(type);
    text_printf(declarations, "extern %s %s(",
                type_canonical(own.result).kind == CXType_Void ? "void" : "_Bool", alias);
    put_parameters(declarations, target, own.count, false);
    text_printf(declarations, ") __asm__(\"%s\");\n",
                is_static ? intern_format("__ia2_target_%u_%s", condition->unit->plan->id, name)
                          : name);
    if (is_static && condition->unit->main_file)
        edit_append(condition->unit->program->edits, condition->unit->main_file,
                    intern_format("IA2_STATIC_TARGET(%s);", name), condition->unit->plan->id);
    signature_free(&own);
    return alias;
}

static void put_conditions(struct text *out, struct text *declarations,
                           const struct conditions *conditions, const struct gate *gate,
                           const struct signature *target, bool post)
{
    for (size_t i = 0; i < conditions->count; i++) {
        const struct condition *const condition = &conditions->list[i];
        if (condition->post != post || !is_for(condition, gate))
            continue;
        struct signature own = signature_of_type(cursor_type(condition->function));
        const bool tells = type_canonical(own.result).kind == CXType_Bool;
        text_printf(out, tells ? "    IA2_REQUIRE(%s(" : "    %s(",
                    condition_name(declarations, condition, target));
        put_arguments(out, own.count < target->count ? own.count : target->count);
        if (own.count > target->count)
            text_puts(out, target->count ? ", ia2_result" : "ia2_result");
        if (tells)
            text_printf(out, "), \"%s-condition %s of %s\");\n", post ? "post" : "pre",
                        cursor_name(condition->function), gate->function);
        else
            text_puts(out, ");\n");
        signature_free(&own);
    }
}

/* What runs before or after the function: its caller sees the errno that the function leaves. */
static void put_block(struct text *out, struct text *statements)
{
    if (statements->length) {
        text_puts(out, "    {\n    IA2_KEEP_ERRNO;\n");
        text_add(out, statements->data, statements->length);
        text_puts(out, "    }\n");
    }
    free(statements->data);
    *statements = (struct text){0};
}

/* The text of IA2_CHECKED(f), the caller's to free; NULL if refused. */
static char *checked_function(const struct conditions *conditions, const struct gate *gate,
                              const struct object_checks *objects)
{
    struct signature signature = signature_of_type(cursor_type(gate->cursor));
    const bool is_void = type_canonical(signature.result).kind == CXType_Void;
    struct text head = {0}, body = {0}, declarations = {0}, checks = {0};
    bool named = put_type(&head, signature.result);
    text_printf(&head, " IA2_CHECKED(%s)(", gate->function);
    named &= put_parameters(&head, &signature, signature.count, true);
    text_puts(&head, ")\n{\n");
    object_checks_before(&checks, objects, gate->function);
    put_conditions(&checks, &declarations, conditions, gate, &signature, false);
    object_checks_end(&checks, objects, gate->function);
    put_block(&body, &checks);
    text_puts(&body, "    ");
    if (!is_void) {
        put_type(&body, type_unqualified(signature.result));
        text_puts(&body, " ia2_result = ");
    }
    text_printf(&body, "(%s)(", gate->function);
    put_arguments(&body, signature.count);
    text_puts(&body, ");\n");
    object_checks_after(&checks, objects, gate->function);
    put_conditions(&checks, &declarations, conditions, gate, &signature, true);
    put_block(&body, &checks);
    text_puts(&body, is_void ? "}" : "    return ia2_result;\n}");
    signature_free(&signature);
    struct text all = {0};
    text_add(&all, declarations.data ? declarations.data : "", declarations.length);
    text_printf(&all,
                "extern __attribute__((visibility(\"hidden\"))) __typeof__(%s) IA2_CHECKED(%s);\n",
                gate->function, gate->function);
    text_add(&all, head.data, head.length);
    text_add(&all, body.data, body.length);
    free(declarations.data);
    free(head.data);
    free(body.data);
    if (!named) {
        refuse_at(gate->cursor, intern_format("conditions of %s", gate->function),
                  "a type in its prototype has no name", "give the struct a name, or a typedef");
        free(all.data);
        return NULL;
    }
    return all.data;
}

static void check_gate(const struct conditions *conditions, const struct object_makers *makers,
                       struct gate *gate)
{
    struct object_checks objects = {0};
    bool checked = object_checks_of(makers, gate, &objects);
    for (size_t i = 0; i < conditions->count; i++)
        checked |= is_for(&conditions->list[i], gate);
    if (!checked)
        return;
    char *const text = checked_function(conditions, gate, &objects);
    object_checks_free(&objects);
    if (!text)
        return;
    if (!gate->unit->main_file || !gate->unit->main_file->rel_count)
        refuse_at(gate->cursor, intern_format("conditions of %s", gate->function),
                  "its file is not of the project, so it cannot be rewritten",
                  "put the function into a source of the project");
    else
        edit_append(gate->unit->program->edits, gate->unit->main_file, intern(text),
                    gate->unit->plan->id);
    gate->target = intern_format("__ia2_checked_%u_%s", gate->unit->plan->id, gate->function);
    free(text);
}

void conditions_rewrite(struct program *program)
{
    const struct object_makers makers = object_makers_find(program);
    struct conditions conditions = {0};
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t a = 0; a < program->units[u].annotation_count; a++)
            collect(&conditions, program, &program->units[u], &program->units[u].annotations[a]);
    keep_one_each(&conditions, program);
    for (size_t i = 0; i < program->gates->count; i++)
        check_gate(&conditions, &makers, &program->gates->list[i]);
    free(conditions.list);
    free(makers.list);
}
