/* A JSON file of the kit's own, read field by field. What is not as expected ends the run with the
 * file, the field and what was expected: `plan.json: units[1].id: expected 1, found 2`. */
#ifndef IA2_TYPED_JSON_H
#define IA2_TYPED_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A value, and where it stands. A field refers to the field that it is in: that one must live as
 * long. */
struct field {
    const struct field *in; /* the list or object around the value; NULL: the file as a whole */
    const char *name; /* in an object; of a file: its path */
    size_t index; /* in a list */
    json_t *value; /* NULL: the object has no such field */
};

/* The object that the file at `path` holds. `path` and the result's value must outlive what is read
 * from them; field_close frees the value. */
struct field field_open(const char *path);
void field_close(struct field *file);

/* Ends the run: `field` is not what was expected, because of `reason` if that is not NULL. */
_Noreturn void field_refuse(const struct field *field, const char *expected, const char *reason);

/* Refuses an object with a field that is none of `names` (up to a NULL). */
void field_check_names(const struct field *object, const char *const *names);

/* The member of an object, of this type, and an element of a list. Fatal if `in` is none. */
struct field field_member(const struct field *in, const char *name);
struct field field_list(const struct field *in, const char *name);
struct field field_object(const struct field *in, const char *name);
struct field field_element(const struct field *list, size_t index);
size_t field_count(const struct field *list);

/* The value, of this type. Strings are interned. */
const char *field_string(const struct field *field);
json_int_t field_number(const struct field *field, json_int_t low, json_int_t high);
bool field_is_null(const struct field *field);

/* The same of a member. */
const char *string_in(const struct field *object, const char *name);
const char *string_or_null_in(const struct field *object, const char *name);
json_int_t number_in(const struct field *object, const char *name, json_int_t low, json_int_t high);
bool bool_in(const struct field *object, const char *name);

#endif
