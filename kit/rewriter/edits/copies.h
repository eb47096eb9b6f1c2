/* Arguments that a call through the boundary cannot pass as they are: a va_list, and what
 * `[parameters]` names. */
#ifndef IA2_COPIES_H
#define IA2_COPIES_H

#include "analysis/analyze.h"

/* Requests, as one edit_template, what becomes of the arguments of a call that are shared or
 * copied. */
void copies_of_call(struct program *program, struct unit *unit, const struct call *call);

/* Refuses the entries of [parameters] that no call has used. */
void copies_check_used(const struct program *program);

/* The policy's entry for argument `index` of a call through a member, or NULL. */
struct parameter_copy *copy_of_argument(struct program *program, const struct call *call,
                                        unsigned index);

#endif
