/* Where the addresses of variables go: into variables, through calls and results of a compartment's
 * own functions, and into memory, until they reach what another compartment can read. Without
 * regard to order and branches, and memory by the type of the pointer that is stored. */
#ifndef IA2_FLOW_H
#define IA2_FLOW_H

#include "analyze.h"

/* While a unit is visited, from its own thread: notes what is stored, passed and returned.
 * `function` is the one it is in. */
void flow_note(struct unit *unit, struct cursor cursor, struct cursor function);

/* When all units are visited, once. */
void flow_index(const struct program *program);

/* A value that others get: calls `take` for each variable (or compound literal) whose address it
 * can be. */
typedef void flow_take(struct program *program, struct unit *unit, struct cursor variable,
                       struct cursor cause);
void flow_value(struct program *program, struct unit *unit, struct cursor value, flow_take *take);

/* handed_down.c: an argument of a call through the boundary, as far as addresses are handed down
 * from call to call, by results and by variables that hold nothing else: of this there is no doubt.
 * `direct`: the call always crosses; else, by a pointer, it may stay in its compartment, and of
 * variables that are not automatic only those count whose address is the argument itself. */
void flow_handed_down(struct program *program, struct unit *unit, struct cursor value, bool direct,
                      flow_take *take);

/* An object that others can read: whatever is stored in it. */
void flow_variable(struct program *program, struct unit *unit, struct cursor variable,
                   flow_take *take);
/* The same for a global that is known by its name, in any compartment that others may not read as
 * it is. */
void flow_shared(struct program *program, struct unit *unit, struct cursor variable,
                 flow_take *take);
/* The same for all memory that others reach from a value of `type`. */
void flow_reachable(struct program *program, struct unit *unit, struct type type, flow_take *take);

/* For handed_down.c, when all is indexed. What a unit's compartment stores in a variable, or a
 * function returns, and the calls of a function; `each` may be NULL. Returns how many; SIZE_MAX if
 * the variable's address is taken, so that there may be more. */
typedef void flow_each(void *data, struct unit *unit, struct cursor cursor);
size_t flow_stored(struct unit *unit, struct cursor declaration, flow_each *each, void *data);
void flow_calls(struct unit *unit, struct cursor function, flow_each *each, void *data);
const void *flow_place(struct cursor declaration);
bool flow_is_variable(struct cursor cursor);
struct cursor flow_pointer_to(
    struct cursor lvalue); /* where an lvalue is reached through a pointer, that pointer */

#endif
