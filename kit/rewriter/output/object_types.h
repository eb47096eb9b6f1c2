/* IA2_CONSTRUCTOR and IA2_DESTRUCTOR: which types a compartment registers the objects of, and what
 * a function then checks of its arguments (runtime/compartment/type_registry.c). */
#ifndef IA2_OBJECT_TYPES_H
#define IA2_OBJECT_TYPES_H

#include "analysis/gates.h"

/* What IA2_CHECKED(f) does with objects. */
struct object_checks {
    struct object_check {
        size_t parameter;
        const char *type;
    } *checks; /* parameters from 1 */
    size_t count, capacity;
    const char *begun, *ended; /* type of the object that begins to be (parameter 1, or the result)
                                  or ends (parameter 1) */
    bool begun_is_result;
};

/* The functions that make and end objects. */
struct object_makers {
    struct object_maker *list;
    size_t count, capacity;
};

/* Collects the marked functions; refuses those of another form. The list is the caller's to free.
 */
struct object_makers object_makers_find(struct program *program);

/* Fills in what is to be done for a gate; false if nothing. */
bool object_checks_of(const struct object_makers *makers, const struct gate *gate,
                      struct object_checks *checks);
void object_checks_free(struct object_checks *checks);

/* The statements: checks of the arguments; the object's end, before the function runs; its
 * beginning, after it. */
void object_checks_before(struct text *out, const struct object_checks *checks,
                          const char *function);
void object_checks_end(struct text *out, const struct object_checks *checks, const char *function);
void object_checks_after(struct text *out, const struct object_checks *checks,
                         const char *function);

#endif
