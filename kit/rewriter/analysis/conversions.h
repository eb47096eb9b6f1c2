/* Conversions between function-pointer types. A value keeps its gate, so where one of the two types
 * escapes the other does too, and a function may go by a type that is only converted back before it
 * is called. */
#ifndef IA2_CONVERSIONS_H
#define IA2_CONVERSIONS_H

#include "analyze.h"

/* Adds what escapes by conversion from and to what already does. */
void conversions_escape(struct program *program);

/* Makes program->conversions: groups the types, when all that escapes is known. */
void conversions_group(struct program *program);

/* Whether values of function-pointer type `type` are somewhere converted to one whose functions
 * have the ABI string `abi`. */
bool conversions_reach_abi(const struct conversion_groups *groups, const char *type,
                           const char *abi);

/* Whether they are converted to the function-pointer type `other`. */
bool conversions_reach(const struct conversion_groups *groups, const char *type, const char *other);

/* Refuses one that would smuggle a pointer past the check of a call. */
void conversion_check(struct program *program, const struct unit *unit,
                      const struct conversion *conversion);

#endif
