/* Which function-pointer types can cross the boundary, and which pointees can. */
#ifndef IA2_ESCAPE_H
#define IA2_ESCAPE_H

#include "analyze.h"

/* The types that cross. */
struct escape {
    struct map types; /* set of function-pointer spellings */
    const char **list;
    size_t count, capacity;
    unsigned looking_up; /* mask of the compartments that call dlsym, in a program with plugins */
    /* Set of the records that other compartments know the members of; filled when first asked for.
     */
    struct map known_to_others[MAX_KEY + 1];
    bool is_known[MAX_KEY + 1];
};

/* Makes program->escape, but for what conversions add (conversions_escape). */
void escape_compute(struct program *program);

/* Adds the types reachable from an object that others can write. */
void escape_add(struct program *program, struct unit *unit, struct type type);

/* The same for a function-pointer type that `unit` converts values of another one to or from: what
 * it passes on of its own compartment's private structs is no concern of others. */
void escape_add_converted(struct program *program, struct unit *unit, struct type type);

/* Sorts the list, when all is added. */
void sort_escaping_types(struct program *program);

static inline bool escapes(const struct program *program, const char *function_pointer)
{
    return function_pointer && map_get(&program->escape->types, key_of(function_pointer));
}

/* Whether a lookup may be that of a gate: it is in a compartment that calls dlsym, and names an
 * entry or nothing known. */
bool is_gate_lookup(const struct program *program, const struct unit *unit,
                    const struct lookup *lookup);

/* Adds to `pointees` the spelling of each complete struct, union and pointer type that a value of
 * `type` points to, also through members when `deep`. */
void escape_pointees(struct unit *unit, struct type type, bool deep, struct map *pointees);

#endif
