/* What the visit of a unit notes of values that may be addresses: what is stored, passed and
 * returned. flow.c follows them. */
#ifndef IA2_FLOW_FACTS_H
#define IA2_FLOW_FACTS_H

#include "analyze.h"

/* Notes what is at a cursor, from the unit's own thread. `function` is the one that it is in. */
void flow_note(struct unit *unit, struct cursor cursor, struct cursor function);

/* A variable or function, for a map: those that other units see, by name. */
const void *flow_place(struct cursor declaration);

bool flow_is_variable(struct cursor cursor);

/* Whether a value of the type is an address, or has one in it. */
bool flow_holds_addresses(struct type type);

/* The spelling of a function's type as a pointer to it has it. */
const char *flow_pointer_type(struct unit *unit, struct type function);

/* The same of what a call through a pointer calls; NULL if that is not known. */
const char *flow_called_type(struct unit *unit, struct cursor call);

/* Where an lvalue is reached through a pointer, that pointer; else the null cursor. */
struct cursor flow_pointer_to(struct cursor lvalue);

#endif
