/* Which function-pointer types can cross the boundary, and which pointees can. */
#ifndef IA2_ESCAPE_H
#define IA2_ESCAPE_H

#include "analyze.h"

/* The types whose values are gates, and are checked where they are called. */
struct escape {
    struct map types; /* set of function-pointer spellings */
    const char **list; /* the same */
    size_t count, capacity;
    /* Set of those that the signatures of the boundary, or memory that crosses, lead to. Of the
     * others, values may only come as something else than a function pointer (made_pointers.h). */
    struct map crossing;
    size_t crossing_count;
    struct map records; /* set of libc's records with function pointers that cross, by spelling */
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

/* A type that values of other kinds become, which may have come from another compartment. `whole`:
 * also what the private records hold that it leads to. */
void escape_add_made(struct program *program, struct unit *unit, struct type type, bool whole);

/* Whether a record of libc's has function pointers that libc calls; and whether a value of a type
 * is one, or leads to one by pointers, of which others may have objects too. */
bool escape_is_callback_record(struct unit *unit, struct type type);
bool escape_has_record(const struct program *program, struct unit *unit, struct type type);

/* Sorts the list, when all is added. */
void sort_escaping_types(struct program *program);

static inline bool escapes(const struct program *program, const char *function_pointer)
{
    return function_pointer && map_get(&program->escape->types, key_of(function_pointer));
}

/* Whether the boundary itself leads to the type, so that calls through it cross by intention. */
static inline bool escapes_by_boundary(const struct program *program, const char *function_pointer)
{
    return function_pointer && map_get(&program->escape->crossing, key_of(function_pointer));
}

/* Whether a lookup may be that of a gate: it is in a compartment that calls dlsym, and names an
 * entry or nothing known. */
bool is_gate_lookup(const struct program *program, const struct unit *unit,
                    const struct lookup *lookup);

/* Adds to `pointees` the spelling of each complete struct, union and pointer type that a value of
 * `type` points to, also through members when `deep`. */
void escape_pointees(struct unit *unit, struct type type, bool deep, struct map *pointees);

#endif
