/* Where the addresses of variables go: into variables, through calls and results of a compartment's
 * own functions, and into memory, until they reach what another compartment can read. Without
 * regard to order and branches, and memory by the type of the pointer that is stored. */
#ifndef IA2_FLOW_H
#define IA2_FLOW_H

#include "analyze.h"
#include "flow_facts.h"

/* What is known of a program's values, per compartment. A place is a variable, the results of a
 * function, or the spelling of a pointer's type: for all memory that is reached through pointers.
 */
struct flow_index {
    struct map values_by_place[MAX_KEY + 1]; /* what is stored there */
    struct map calls_by_callee[MAX_KEY + 1]; /* of a function, or of a type of function pointer */
    struct map functions_by_type[MAX_KEY + 1]; /* those whose address is taken */
    struct map addressed_functions[MAX_KEY + 1]; /* set of the same */
    struct map reached_places[MAX_KEY + 1]; /* set of places, each with a type of pointer */
    struct flow_node *waiting; /* reached, and not yet followed */
    size_t waiting_count, waiting_capacity;
    struct map walked_types; /* set of types' spellings */
    struct map handed_down[2][2]; /* sets of declarations: handed_down.c */
};

/* When all units are analyzed. Makes program->flow. */
void flow_index_values(struct program *program);

/* A value that others get: calls `take` for each variable (or compound literal) whose address it
 * can be. */
typedef void flow_take(struct program *program, struct unit *unit, struct cursor variable,
                       struct cursor cause);
void flow_value(struct program *program, struct unit *unit, struct cursor value, flow_take *take);

/* An object that others can read: whatever is stored in it. */
void flow_variable(struct program *program, struct unit *unit, struct cursor variable,
                   flow_take *take);
/* The same for a global that is known by its name, in any compartment that others may not read as
 * it is. */
void flow_shared(struct program *program, struct unit *unit, struct cursor variable,
                 flow_take *take);
/* The same for all memory that others reach from a value of `type`. */
void flow_reachable(struct program *program, struct unit *unit, struct type type, flow_take *take);

/* For handed_down.c. What a unit's compartment stores in a variable, or a
 * function returns, and the calls of a function; `each` may be NULL. Returns how many; SIZE_MAX if
 * the variable's address is taken, so that there may be more. */
typedef void flow_each(void *data, struct unit *unit, struct cursor cursor);
size_t flow_stored(const struct unit *unit, struct cursor declaration, flow_each *each, void *data);
void flow_calls(const struct unit *unit, struct cursor function, flow_each *each, void *data);

#endif
