/* What a function assigns to a variable or member, as a line of [allocations] names it. */
#ifndef IA2_ASSIGNMENTS_H
#define IA2_ASSIGNMENTS_H

#include "analyze.h"

typedef void found_assignment(void *context, struct cursor target, struct cursor value);

/* Calls `found` for each assignment to what has this name, an initializer too; whether there is
 * one. With `NAME[]`: to an element of it, `NAME[i]` or `*NAME`. */
bool assignments_visit(const struct function *function, const char *name, found_assignment *found,
                       void *context);

#endif
