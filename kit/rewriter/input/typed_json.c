#include "typed_json.h"

#include <string.h>

#include "base/diag.h"
#include "base/intern.h"

struct field field_open(const char *path)
{
    json_error_t error;
    struct field file = {.name = path,
                         .value = json_load_file(path, JSON_REJECT_DUPLICATES, &error)};
    if (!file.value)
        diag_fatal("%s:%d:%d: %s", path, error.line, error.column, error.text);
    if (!json_is_object(file.value))
        field_refuse(&file, "an object", NULL);
    return file;
}

void field_close(struct field *file)
{
    json_decref(file->value);
    file->value = NULL;
}

static void put_path(struct text *out, const struct field *field)
{
    if (!field->in) {
        text_printf(out, "%s: ", field->name);
        return;
    }
    put_path(out, field->in);
    if (field->name)
        text_printf(out, "%s%s", field->in->in ? "." : "", field->name);
    else
        text_printf(out, "[%zu]", field->index);
}

static const char *description(const json_t *value)
{
    if (!value)
        return "nothing";
    switch (json_typeof(value)) {
    case JSON_STRING:
        return intern_format("\"%s\"", json_string_value(value));
    case JSON_INTEGER:
        return intern_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL:
        return intern_format("%g", json_real_value(value));
    case JSON_ARRAY:
        return intern_format("a list of %zu", json_array_size(value));
    case JSON_OBJECT:
        return "an object";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return "null";
    }
}

void field_refuse(const struct field *field, const char *expected, const char *reason)
{
    struct text path = {0};
    put_path(&path, field);
    diag_fatal("%s%sexpected %s, found %s%s%s", path.data, field->in ? ": " : "", expected,
               description(field->value), reason ? ": " : "", reason ? reason : "");
}

void field_check_names(const struct field *object, const char *const *names)
{
    const char *name;
    json_t *value;
    if (!json_is_object(object->value))
        field_refuse(object, "an object", NULL);
    json_object_foreach(object->value, name, value)
    {
        size_t i = 0;
        while (names[i] && strcmp(names[i], name))
            i++;
        if (!names[i])
            field_refuse(&(struct field){.in = object, .name = name, .value = value},
                         "no field of this name", NULL);
    }
}

struct field field_member(const struct field *in, const char *name)
{
    if (!json_is_object(in->value))
        field_refuse(in, "an object", NULL);
    return (struct field){.in = in, .name = name, .value = json_object_get(in->value, name)};
}

struct field field_list(const struct field *in, const char *name)
{
    const struct field field = field_member(in, name);
    if (!json_is_array(field.value))
        field_refuse(&field, "a list", NULL);
    return field;
}

struct field field_object(const struct field *in, const char *name)
{
    const struct field field = field_member(in, name);
    if (!json_is_object(field.value))
        field_refuse(&field, "an object", NULL);
    return field;
}

struct field field_element(const struct field *list, size_t index)
{
    return (struct field){.in = list, .index = index, .value = json_array_get(list->value, index)};
}

size_t field_count(const struct field *list)
{
    return json_array_size(list->value);
}

const char *field_string(const struct field *field)
{
    if (!json_is_string(field->value))
        field_refuse(field, "a string", NULL);
    return intern(json_string_value(field->value));
}

json_int_t field_number(const struct field *field, json_int_t low, json_int_t high)
{
    const json_int_t value = json_integer_value(field->value);
    if (!json_is_integer(field->value) || value < low || value > high)
        field_refuse(field,
                     low == high ? intern_format("%" JSON_INTEGER_FORMAT, low)
                                 : intern_format("a whole number from %" JSON_INTEGER_FORMAT
                                                 " to %" JSON_INTEGER_FORMAT,
                                                 low, high),
                     NULL);
    return value;
}

bool field_is_null(const struct field *field)
{
    return json_is_null(field->value);
}

const char *string_in(const struct field *object, const char *name)
{
    const struct field field = field_member(object, name);
    return field_string(&field);
}

const char *string_or_null_in(const struct field *object, const char *name)
{
    const struct field field = field_member(object, name);
    if (!json_is_string(field.value) && !json_is_null(field.value))
        field_refuse(&field, "a string or null", NULL);
    return json_is_null(field.value) ? NULL : intern(json_string_value(field.value));
}

json_int_t number_in(const struct field *object, const char *name, json_int_t low, json_int_t high)
{
    const struct field field = field_member(object, name);
    return field_number(&field, low, high);
}

bool bool_in(const struct field *object, const char *name)
{
    const struct field field = field_member(object, name);
    if (!json_is_boolean(field.value))
        field_refuse(&field, "true or false", NULL);
    return json_is_true(field.value);
}
