#include "plan.h"

#include <jansson.h>
#include <string.h>

#include "base/diag.h"
#include "base/intern.h"
#include "typed_json.h"

#define PLAN_VERSION 1

/* Keys of compartments, as a mask. */
static unsigned mask_in(const struct field *object, const char *name, unsigned highest)
{
    const struct field list = field_list(object, name);
    unsigned mask = 0;
    for (size_t i = 0; i < field_count(&list); i++) {
        const struct field key = field_element(&list, i);
        mask |= 1u << field_number(&key, 1, highest);
    }
    return mask;
}

/* A number, or -1 in place of null. */
static int number_or_null_in(const struct field *object, const char *name, json_int_t high)
{
    const struct field field = field_member(object, name);
    return field_is_null(&field) ? -1 : (int)field_number(&field, 0, high);
}

/* Whether a symbol is data; if not, it is a function. */
static bool is_data_in(const struct field *object)
{
    const struct field field = field_member(object, "kind");
    const char *const kind = field_string(&field);
    if (strcmp(kind, "data") && strcmp(kind, "function"))
        field_refuse(&field, "\"function\" or \"data\"", NULL);
    return !strcmp(kind, "data");
}

static void read_compartments(struct plan *plan, const struct field *root)
{
    static const char *const names[] = {"name",   "pkey",   "pkru",         "reads", "file",
                                        "plugin", "guests", "system_calls", NULL};
    const struct field list = field_list(root, "compartments");
    if (!field_count(&list) || field_count(&list) > MAX_KEY)
        field_refuse(&list, intern_format("1 to %d compartments", MAX_KEY), NULL);
    plan->compartment_count = (unsigned)field_count(&list);
    for (unsigned i = 0; i < plan->compartment_count; i++) {
        struct compartment *const compartment = &plan->compartments[i];
        const struct field entry = field_element(&list, i);
        field_check_names(&entry, names);
        compartment->name = string_in(&entry, "name");
        compartment->file = string_in(&entry, "file");
        compartment->plugin = string_or_null_in(&entry, "plugin");
        bool_in(&entry, "guests"); /* the link's */
        compartment->key = (unsigned)number_in(&entry, "pkey", i + 1, i + 1);
        compartment->pkru = (uint32_t)number_in(&entry, "pkru", 0, UINT32_MAX);
        compartment->system_calls = (uint32_t)number_in(&entry, "system_calls", 0, UINT32_MAX);
        compartment->reads = mask_in(&entry, "reads", plan->compartment_count);
    }
}

static void read_units(struct plan *plan, const struct field *root)
{
    static const char *const names[] = {"id",  "command",         "file", "compartment", "object",
                                        "pic", "force_recompile", NULL};
    const struct field list = field_list(root, "units");
    plan->unit_count = field_count(&list);
    plan->units = must_alloc(plan->unit_count * sizeof(*plan->units));
    for (size_t i = 0; i < plan->unit_count; i++) {
        struct plan_unit *const unit = &plan->units[i];
        const struct field entry = field_element(&list, i);
        field_check_names(&entry, names);
        unit->id = (unsigned)number_in(&entry, "id", (json_int_t)i, (json_int_t)i);
        unit->command = (unsigned)number_in(&entry, "command", 0, INT32_MAX);
        unit->compartment = (unsigned)number_in(&entry, "compartment", 1, plan->compartment_count);
        unit->file = string_in(&entry, "file");
        string_in(&entry, "object");
        unit->pic = bool_in(&entry, "pic");
        unit->force_recompile = bool_in(&entry, "force_recompile");
    }
}

/* Of no concern to the rewriter, but a file with an error is refused as a whole. */
static void check_objects(const struct plan *plan, const struct field *root)
{
    static const char *const names[] = {"path", "compartment", "unit", NULL};
    const struct field list = field_list(root, "objects");
    for (size_t i = 0; i < field_count(&list); i++) {
        const struct field entry = field_element(&list, i);
        field_check_names(&entry, names);
        string_in(&entry, "path");
        number_in(&entry, "compartment", 1, plan->compartment_count);
        number_or_null_in(&entry, "unit", (json_int_t)plan->unit_count - 1);
    }
}

static void read_imports(struct plan *plan, const struct field *root)
{
    static const char *const names[] = {"symbol", "kind", "owner", "callers", NULL};
    const struct field list = field_list(root, "imports");
    plan->import_count = field_count(&list);
    plan->imports = must_alloc(plan->import_count * sizeof(*plan->imports));
    for (size_t i = 0; i < plan->import_count; i++) {
        struct import *const import = &plan->imports[i];
        const struct field entry = field_element(&list, i);
        field_check_names(&entry, names);
        import->symbol = string_in(&entry, "symbol");
        import->data = is_data_in(&entry);
        import->owner = (unsigned)number_in(&entry, "owner", 1, plan->compartment_count);
        import->callers = mask_in(&entry, "callers", plan->compartment_count);
        if (!import->callers) {
            const struct field callers = field_member(&entry, "callers");
            field_refuse(&callers, "1 or more compartments", NULL);
        }
        map_put(&plan->import_index, key_of(import->symbol), import);
    }
}

static void read_entries(struct plan *plan, const struct field *root)
{
    static const char *const names[] = {"symbol", "owner", "kind", NULL};
    const struct field list = field_list(root, "entries");
    plan->entry_count = field_count(&list);
    plan->entries = must_alloc(plan->entry_count * sizeof(*plan->entries));
    for (size_t i = 0; i < plan->entry_count; i++) {
        const struct field entry = field_element(&list, i);
        field_check_names(&entry, names);
        plan->entries[i] = (struct plan_entry){
            .symbol = string_in(&entry, "symbol"),
            .owner = (unsigned)number_in(&entry, "owner", 1, plan->compartment_count),
            .data = is_data_in(&entry)};
    }
}

static void read_destructors(struct plan *plan, const struct field *root)
{
    static const char *const names[] = {"symbol",   "compartment", "unit",
                                        "priority", "visible",     NULL};
    const struct field list = field_list(root, "destructors");
    plan->destructor_count = field_count(&list);
    plan->destructors = must_alloc(plan->destructor_count * sizeof(*plan->destructors));
    for (size_t i = 0; i < plan->destructor_count; i++) {
        const struct field entry = field_element(&list, i);
        field_check_names(&entry, names);
        plan->destructors[i] = (struct plan_destructor){
            .symbol = string_in(&entry, "symbol"),
            .unit = number_or_null_in(&entry, "unit", (json_int_t)plan->unit_count - 1),
            .priority = number_or_null_in(&entry, "priority", INT32_MAX),
            .compartment = (unsigned)number_in(&entry, "compartment", 1, plan->compartment_count),
            .visible = bool_in(&entry, "visible")};
    }
}

static enum copy_direction direction_of(const struct field *parameter)
{
    static const char *const directions[] = {"", "in", "out", "inout"};
    const char *const word = json_is_string(parameter->value) ? field_string(parameter) : "";
    for (int i = COPY_IN; i <= COPY_INOUT; i++)
        if (!strcmp(word, directions[i]))
            return (enum copy_direction)i;
    field_refuse(parameter, "\"in\", \"out\" or \"inout\"", NULL);
}

static void read_parameters(struct plan *plan, const struct field *root)
{
    const struct field table = field_object(root, "parameters");
    const char *name, *parameter;
    json_t *value;
    size_t capacity = 0;
    json_object_foreach(table.value, name, value)
    {
        const struct field member = field_object(&table, name);
        const char *const dot = strrchr(name, '.');
        if (!dot)
            field_refuse(&member, "\"RECORD.MEMBER\" as its name", NULL);
        json_object_foreach(member.value, parameter, value)
        {
            const struct field direction = field_member(&member, parameter);
            *PUSH(plan->parameters, plan->parameter_count, capacity) =
                (struct parameter_copy){.record = intern_n(name, (size_t)(dot - name)),
                                        .field = intern(dot + 1),
                                        .parameter = intern(parameter),
                                        .direction = direction_of(&direction)};
        }
    }
}

static void read_allocations(struct plan *plan, const struct field *root)
{
    const struct field table = field_object(root, "allocations");
    const char *name;
    json_t *value;
    size_t capacity = 0;
    json_object_foreach(table.value, name, value)
    {
        const char *const dot = strchr(name, '.');
        *PUSH(plan->allocations, plan->allocation_count, capacity) = (struct allocation){
            .entry = intern(name),
            .function = dot ? intern_n(name, (size_t)(dot - name)) : intern(name),
            .variable = dot ? intern(dot + 1) : NULL,
            .key = (unsigned)number_in(&table, name, 0, plan->compartment_count)};
    }
}

static void read_policy(struct plan *plan, const struct field *root)
{
    const struct field shared = field_list(root, "shared_variables"),
                       lines = field_object(root, "policy_lines"),
                       others = field_object(root, "other_programs");
    const char *name;
    json_t *value;
    size_t capacity = 0;
    plan->policy_file = string_in(root, "policy_file");
    json_object_foreach(lines.value, name, value) number_in(&lines, name, 1, INT32_MAX);
    plan->policy_lines = json_incref(lines.value);
    json_object_foreach(others.value, name, value)
    {
        string_in(&others, name);
        map_add(&plan->other_programs, key_of(intern(name)));
    }
    for (size_t i = 0; i < field_count(&shared); i++) {
        const struct field variable = field_element(&shared, i);
        *PUSH(plan->shared_variables, plan->shared_variable_count, capacity) =
            field_string(&variable);
    }
    read_allocations(plan, root);
    read_parameters(plan, root);
}

static void check_version(const struct field *root)
{
    const struct field version = field_member(root, "version");
    if (!json_is_integer(version.value) || json_integer_value(version.value) != PLAN_VERSION)
        field_refuse(&version, intern_format("%d", PLAN_VERSION),
                     "another version of the kit made this file; make it again with this one's "
                     "scripts/rewrite.py");
}

void plan_read(struct plan *plan, const char *path)
{
    static const char *const names[] = {"version",
                                        "program",
                                        "source_root",
                                        "build_dir",
                                        "compartments",
                                        "units",
                                        "objects",
                                        "imports",
                                        "entries",
                                        "destructors",
                                        "allocations",
                                        "shared_variables",
                                        "parameters",
                                        "policy_file",
                                        "policy_lines",
                                        "other_programs",
                                        NULL};
    struct field root = field_open(path);
    check_version(&root);
    field_check_names(&root, names);
    string_in(&root, "program");
    plan->source_root = string_in(&root, "source_root");
    plan->build_dir = string_in(&root, "build_dir");
    read_compartments(plan, &root);
    read_units(plan, &root);
    check_objects(plan, &root);
    read_imports(plan, &root);
    read_entries(plan, &root);
    read_destructors(plan, &root);
    read_policy(plan, &root);
    field_close(&root);
}

const struct import *plan_import(const struct plan *plan, const char *symbol)
{
    return map_get(&plan->import_index, key_of(symbol));
}

bool plan_has_data_entry(const struct plan *plan)
{
    for (size_t i = 0; i < plan->entry_count; i++)
        if (plan->entries[i].data)
            return true;
    return false;
}

bool plan_is_entry(const struct plan *plan, const char *symbol)
{
    for (size_t i = 0; i < plan->entry_count; i++)
        if (plan->entries[i].symbol == symbol)
            return true;
    return false;
}

bool plan_is_shared(const struct plan *plan, const char *variable)
{
    for (size_t i = 0; i < plan->shared_variable_count; i++)
        if (plan->shared_variables[i] == variable)
            return true;
    return false;
}

unsigned plan_others(const struct plan *plan, unsigned key)
{
    return ((1u << plan->compartment_count) - 1) << 1 & ~(1u << key);
}

bool plan_readable_by_all(const struct plan *plan, unsigned key)
{
    for (unsigned i = 0; i < plan->compartment_count; i++)
        if (plan->compartments[i].key != key && !(plan->compartments[i].reads & 1u << key))
            return false;
    return true;
}

bool plan_is_for_other_program(const struct plan *plan, const char *entry)
{
    return map_get(&plan->other_programs, key_of(intern(entry)));
}

void plan_refuse(const struct plan *plan, const char *entry, const char *construct,
                 const char *reason, const char *remedy)
{
    const json_int_t line = json_integer_value(json_object_get(plan->policy_lines, entry));
    diag_refuse(plan->policy_file, (unsigned)line, 1, construct, reason, remedy);
}
