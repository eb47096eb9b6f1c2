#include "destructors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analyze.h"
#include "base/diag.h"
#include "edits/edits.h"

struct destructor {
    const char *symbol, *target, *kind, *file; /* target: NULL if no other object can name it */
    unsigned owner, line;
    int priority; /* -1: none */
};

struct destructors {
    struct destructor *list;
    size_t count, capacity;
};

/* libc calls these functions' argument back when the process or the thread ends. */
static const char *const registering[] = {"atexit",
                                          "on_exit",
                                          "at_quick_exit",
                                          "__cxa_atexit",
                                          "__cxa_thread_atexit_impl",
                                          "pthread_key_create",
                                          "tss_create"};

static const struct function *definition_in(const struct unit *unit, const char *name)
{
    for (size_t f = 0; f < unit->function_count; f++)
        if (unit->functions[f].name == name)
            return &unit->functions[f];
    return NULL;
}

static struct unit *unit_of(struct program *program, int id)
{
    for (size_t u = 0; u < program->unit_count; u++)
        if ((int)program->units[u].plan->id == id)
            return &program->units[u];
    return NULL;
}

static bool is_known(const struct destructors *destructors, const struct destructor *destructor)
{
    for (size_t i = 0; i < destructors->count; i++) {
        const struct destructor *const known = &destructors->list[i];
        if (known->symbol == destructor->symbol && known->owner == destructor->owner &&
            known->target == destructor->target && !strcmp(known->kind, destructor->kind))
            return true;
    }
    return false;
}

static void add(struct destructors *destructors, const struct destructor *destructor)
{
    if (!is_known(destructors, destructor))
        *PUSH(destructors->list, destructors->count, destructors->capacity) = *destructor;
}

static void add_function(struct unit *unit, const struct function *function, const char *kind,
                         int priority)
{
    struct destructor destructor = {.symbol = function->name,
                                    .target = function->name,
                                    .kind = kind,
                                    .priority = priority,
                                    .owner = unit->plan->compartment};
    unsigned column;
    if (function->is_static) {
        if (!unit->main_file)
            return;
        edit_append(unit->program->edits, unit->main_file,
                    intern_format("IA2_STATIC_TARGET(%s);", function->name), unit->plan->id);
        destructor.target = intern_format("__ia2_target_%u_%s", unit->plan->id, function->name);
    }
    cursor_position(function->cursor, &destructor.file, &destructor.line, &column);
    add(unit->program->destructors, &destructor);
}

static void add_planned(struct program *program, const struct plan_destructor *planned)
{
    struct unit *const unit = unit_of(program, planned->unit);
    const struct function *const function = unit ? definition_in(unit, planned->symbol) : NULL;
    if (function) {
        add_function(unit, function, "destructor", planned->priority);
        return;
    }
    /* Assembly, or a name that the compiler made. */
    const struct destructor destructor = {.symbol = planned->symbol,
                                          .target = planned->visible ? planned->symbol : NULL,
                                          .kind = "destructor",
                                          .file = "",
                                          .owner = planned->compartment,
                                          .priority = planned->priority};
    add(program->destructors, &destructor);
}

/* The unit of the compartment that defines a function which is not static, or NULL. */
static struct unit *definer(struct program *program, unsigned compartment, const char *name)
{
    for (size_t u = 0; u < program->unit_count; u++) {
        struct unit *const unit = &program->units[u];
        const struct function *const found =
            unit->plan->compartment == compartment ? definition_in(unit, name) : NULL;
        if (found && !found->is_static)
            return unit;
    }
    return NULL;
}

static void add_registered(struct program *program, struct unit *unit,
                           const struct designator *designator)
{
    const char *kind = NULL;
    for (size_t i = 0; designator->libc_function && i < sizeof(registering) / sizeof(*registering);
         i++)
        if (!strcmp(designator->libc_function, registering[i]))
            kind = registering[i];
    if (!kind || (designator->user && unit->functions[designator->user - 1].dead))
        return;
    const char *const name = cursor_name(designator->function);
    struct unit *const home = cursor_linkage(designator->function) == CXLinkage_Internal
                                  ? unit
                                  : definer(program, unit->plan->compartment, name);
    const struct function *const function = home ? definition_in(home, name) : NULL;
    if (function)
        add_function(home, function, kind, -1);
}

static int compare(const void *left, const void *right)
{
    const struct destructor *const a = left, *const b = right;
    if (a->owner != b->owner)
        return a->owner < b->owner ? -1 : 1;
    const int order = strcmp(a->symbol, b->symbol);
    if (order)
        return order;
    const int targets = strcmp(a->target ? a->target : "", b->target ? b->target : "");
    return targets ? targets : strcmp(a->kind, b->kind);
}

void destructors_find(struct program *program)
{
    struct destructors *const destructors = program->destructors = must_alloc(sizeof(*destructors));
    for (size_t i = 0; i < program->plan.destructor_count; i++)
        add_planned(program, &program->plan.destructors[i]);
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t d = 0; d < program->units[u].designator_count; d++)
            add_registered(program, &program->units[u], &program->units[u].designators[d]);
    if (destructors->count)
        qsort(destructors->list, destructors->count, sizeof(*destructors->list), compare);
}

void destructors_assembly(struct text *out, const struct destructors *destructors,
                          unsigned compartment)
{
    const char *last = NULL;
    for (size_t i = 0; i < destructors->count; i++) {
        const struct destructor *const destructor = &destructors->list[i];
        if (destructor->owner == compartment && destructor->target && destructor->target != last)
            text_printf(out, "ia2_destructor symbol=%s, target=%s\n", destructor->symbol,
                        last = destructor->target);
    }
}

char *destructors_text(const struct program *program)
{
    const struct destructors *const destructors = program->destructors;
    json_t *const list = json_array();
    for (size_t i = 0; i < destructors->count; i++) {
        const struct destructor *const destructor = &destructors->list[i];
        json_t *const entry =
            json_pack("{s:s, s:s, s:i, s:s, s:s, s:i}", "symbol", destructor->symbol, "compartment",
                      program->plan.compartments[destructor->owner - 1].name, "compartment_id",
                      (int)destructor->owner, "kind", destructor->kind, "file", destructor->file,
                      "line", (int)destructor->line);
        json_object_set_new(entry, "priority",
                            destructor->priority < 0 ? json_null()
                                                     : json_integer(destructor->priority));
        json_object_set_new(entry, "target",
                            destructor->target ? json_string(destructor->target) : json_null());
        json_array_append_new(list, entry);
    }
    json_t *const root = json_pack("{s:i, s:o}", "version", 1, "destructors", list);
    char *const text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    if (!text)
        diag_fatal("cannot write destructors.json: a name or a path is not UTF-8");
    json_decref(root);
    return text;
}
