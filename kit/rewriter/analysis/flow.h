/* Where the addresses of locals go: into variables, through calls and results of a compartment's own functions, and into memory,
 * until they reach what another compartment can read. Without regard to order and branches, and memory by the type of the pointer
 * that is stored. */
#ifndef IA2_FLOW_H
#define IA2_FLOW_H

#include "analyze.h"

/* While a unit is visited, from its own thread: notes what is stored, passed and returned. `function` is the one it is in. */
void flow_note(struct unit *unit, struct cursor cursor, struct cursor function);

/* When all units are visited, once. */
void flow_index(const struct program *program);

/* A value that others get: calls `take` for each local (or compound literal) whose address it can be. */
typedef void flow_take(struct program *program, struct unit *unit, struct cursor variable, struct cursor cause);
void flow_value(struct program *program, struct unit *unit, struct cursor value, flow_take *take);

/* The same, as far as addresses are handed down from call to call and nowhere kept: of this there is no doubt. */
void flow_handed_down(struct program *program, struct unit *unit, struct cursor value, flow_take *take);

/* An object that others can read: whatever is stored in it. */
void flow_variable(struct program *program, struct unit *unit, struct cursor variable, flow_take *take);
/* The same for a global that is known by its name, in any compartment that others may not read as it is. */
void flow_shared(struct program *program, struct unit *unit, struct cursor variable, flow_take *take);
/* The same for all memory that others reach from a value of `type`. */
void flow_reachable(struct program *program, struct unit *unit, struct type type, flow_take *take);

#endif
