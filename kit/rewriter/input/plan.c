#include "plan.h"

#include <jansson.h>
#include <string.h>

#include "diag.h"
#include "intern.h"

static const char *plan_path;

static json_t *member(json_t *object, const char *name, json_type type)
{
    json_t *const value = json_object_get(object, name);
    const bool boolean = type == JSON_TRUE && json_is_boolean(value);
    if (!value || (json_typeof(value) != type && !boolean))
        diag_fatal("%s: '%s' is missing or of the wrong type", plan_path, name);
    return value;
}

static const char *string_of(json_t *object, const char *name)
{
    return intern(json_string_value(member(object, name, JSON_STRING)));
}

static const char *optional_string(json_t *object, const char *name)
{
    return json_is_null(json_object_get(object, name)) ? NULL : string_of(object, name);
}

static json_int_t number_of(json_t *object, const char *name, json_int_t low, json_int_t high)
{
    const json_int_t value = json_integer_value(member(object, name, JSON_INTEGER));
    if (value < low || value > high)
        diag_fatal("%s: '%s' is %lld, not within %lld..%lld", plan_path, name, (long long)value,
                   (long long)low, (long long)high);
    return value;
}

static unsigned mask_of(json_t *object, const char *name, unsigned highest)
{
    json_t *const list = member(object, name, JSON_ARRAY), *item;
    size_t i;
    unsigned mask = 0;
    json_array_foreach(list, i, item)
    {
        const json_int_t key = json_integer_value(item);
        if (!json_is_integer(item) || key < 1 || key > (json_int_t)highest)
            diag_fatal("%s: '%s' names a compartment that is not there", plan_path, name);
        mask |= 1u << key;
    }
    return mask;
}

static void read_compartments(struct plan *plan, json_t *root)
{
    json_t *const list = member(root, "compartments", JSON_ARRAY), *item;
    size_t i;
    if (!json_array_size(list) || json_array_size(list) > MAX_KEY)
        diag_fatal("%s: there must be 1 to %d compartments", plan_path, MAX_KEY);
    plan->compartment_count = (unsigned)json_array_size(list);
    json_array_foreach(list, i, item)
    {
        struct compartment *const it = &plan->compartments[i];
        it->name = string_of(item, "name");
        it->file = string_of(item, "file");
        it->plugin = optional_string(item, "plugin");
        it->key = (unsigned)number_of(item, "pkey", (json_int_t)i + 1, (json_int_t)i + 1);
        it->pkru = (uint32_t)number_of(item, "pkru", 0, UINT32_MAX);
        it->reads = mask_of(item, "reads", plan->compartment_count);
    }
}

static void read_units(struct plan *plan, json_t *root)
{
    json_t *const list = member(root, "units", JSON_ARRAY), *item;
    size_t i;
    plan->unit_count = json_array_size(list);
    plan->units = must_alloc(plan->unit_count * sizeof(*plan->units));
    json_array_foreach(list, i, item)
    {
        struct plan_unit *const it = &plan->units[i];
        it->id = (unsigned)number_of(item, "id", (json_int_t)i, (json_int_t)i);
        it->command = (unsigned)number_of(item, "command", 0, INT32_MAX);
        it->compartment = (unsigned)number_of(item, "compartment", 1, plan->compartment_count);
        it->file = string_of(item, "file");
        it->pic = json_is_true(member(item, "pic", JSON_TRUE));
        it->again = json_is_true(member(item, "force_recompile", JSON_TRUE));
    }
}

static void read_imports(struct plan *plan, json_t *root)
{
    json_t *const list = member(root, "imports", JSON_ARRAY), *item;
    size_t i;
    plan->import_count = json_array_size(list);
    plan->imports = must_alloc(plan->import_count * sizeof(*plan->imports));
    json_array_foreach(list, i, item)
    {
        struct import *const it = &plan->imports[i];
        it->symbol = string_of(item, "symbol");
        const char *const kind = string_of(item, "kind");
        it->data = !strcmp(kind, "data");
        if (!it->data && strcmp(kind, "function"))
            diag_fatal("%s: import '%s' is of kind '%s'", plan_path, it->symbol, kind);
        it->owner = (unsigned)number_of(item, "owner", 1, plan->compartment_count);
        it->callers = mask_of(item, "callers", plan->compartment_count);
        map_put(&plan->import_index, key_of(it->symbol), it);
    }
}

static void read_entries(struct plan *plan, json_t *root)
{
    json_t *const list = member(root, "entries", JSON_ARRAY), *item;
    size_t i;
    plan->entry_count = json_array_size(list);
    plan->entries = must_alloc(plan->entry_count * sizeof(*plan->entries));
    json_array_foreach(list, i, item)
    {
        struct plan_entry *const it = &plan->entries[i];
        it->symbol = string_of(item, "symbol");
        it->owner = (unsigned)number_of(item, "owner", 1, plan->compartment_count);
        it->data = !strcmp(string_of(item, "kind"), "data");
    }
}

static int optional_number(json_t *object, const char *name)
{
    return json_is_null(json_object_get(object, name)) ? -1
                                                       : (int)number_of(object, name, 0, INT32_MAX);
}

static void read_destructors(struct plan *plan, json_t *root)
{
    json_t *const list = member(root, "destructors", JSON_ARRAY), *item;
    size_t i;
    plan->destructor_count = json_array_size(list);
    plan->destructors = must_alloc(plan->destructor_count * sizeof(*plan->destructors));
    json_array_foreach(list, i, item)
    {
        plan->destructors[i] = (struct plan_destructor){
            .symbol = string_of(item, "symbol"),
            .unit = optional_number(item, "unit"),
            .priority = optional_number(item, "priority"),
            .compartment = (unsigned)number_of(item, "compartment", 1, plan->compartment_count),
            .visible = json_is_true(member(item, "visible", JSON_TRUE))};
    }
}

static void read_parameters(struct plan *plan, json_t *root)
{
    static const char *const directions[] = {"", "in", "out", "inout"};
    const char *name, *parameter;
    json_t *table, *direction;
    size_t capacity = 0;
    json_object_foreach(member(root, "parameters", JSON_OBJECT), name, table)
    {
        const char *const dot = strrchr(name, '.');
        json_object_foreach(table, parameter, direction)
        {
            struct parameter_copy *const it =
                PUSH(plan->parameters, plan->parameter_count, capacity);
            it->record = dot ? intern_n(name, (size_t)(dot - name)) : NULL;
            it->field = intern(dot ? dot + 1 : name);
            it->parameter = intern(parameter);
            const char *const wanted =
                json_is_string(direction) ? json_string_value(direction) : "";
            for (int i = COPY_IN; i <= COPY_INOUT; i++)
                if (!strcmp(wanted, directions[i]))
                    it->direction = (enum copy_direction)i;
            if (!dot || !it->direction)
                diag_fatal("%s: parameter '%s' of '%s': want \"RECORD.MEMBER\" = { PARAMETER = "
                           "\"in\", \"out\" or \"inout\" }",
                           plan_path, parameter, name);
        }
    }
}

static void read_policy(struct plan *plan, json_t *root)
{
    const char *name;
    json_t *value;
    size_t i, capacity = 0;
    json_object_foreach(member(root, "allocations", JSON_OBJECT), name, value)
    {
        const json_int_t key = json_integer_value(value);
        if (!json_is_integer(value) || key < 0 || key > (json_int_t)plan->compartment_count)
            diag_fatal("%s: allocation '%s' has no valid key", plan_path, name);
        const char *const dot = strchr(name, '.');
        *PUSH(plan->allocations, plan->allocation_count, capacity) = (struct allocation){
            intern(name), dot ? intern_n(name, (size_t)(dot - name)) : intern(name),
            dot ? intern(dot + 1) : NULL, (unsigned)key};
    }
    json_t *const shared = member(root, "shared_variables", JSON_ARRAY);
    capacity = 0;
    json_array_foreach(shared, i, value)
    {
        if (!json_is_string(value))
            diag_fatal("%s: 'shared_variables' holds something that is no name", plan_path);
        *PUSH(plan->shared_variables, plan->shared_variable_count, capacity) =
            intern(json_string_value(value));
    }
    read_parameters(plan, root);
}

void plan_read(struct plan *plan, const char *path)
{
    plan_path = path;
    json_error_t error;
    json_t *const root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        diag_fatal("%s:%d:%d: %s", path, error.line, error.column, error.text);
    if (!json_is_object(root))
        diag_fatal("%s: not a plan", path);
    number_of(root, "version", 1, 1);
    plan->source_root = string_of(root, "source_root");
    plan->build_dir = string_of(root, "build_dir");
    plan->policy_file = string_of(root, "policy_file");
    plan->policy_lines = json_incref(member(root, "policy_lines", JSON_OBJECT));
    read_compartments(plan, root);
    read_units(plan, root);
    read_imports(plan, root);
    read_entries(plan, root);
    read_destructors(plan, root);
    read_policy(plan, root);
    json_decref(root);
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

void plan_refuse(const struct plan *plan, const char *entry, const char *construct,
                 const char *reason, const char *remedy)
{
    const json_int_t line = json_integer_value(json_object_get(plan->policy_lines, entry));
    diag_refuse(plan->policy_file, (unsigned)line, 1, construct, reason, remedy);
}
