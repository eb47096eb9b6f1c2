/* What becomes of function pointers: IA2_FN, IA2_CALL, and the calls that share or copy an
 * argument. */
#ifndef IA2_REWRITE_H
#define IA2_REWRITE_H

#include "analysis/analyze.h"

/* Requests the edits and gates of all units, refuses what has no safe form. */
void rewrite_pointers(struct program *program);

/* copies.c: the arguments of a boundary call that are shared or copied, requested as an
 * edit_template. */
void copies_of_call(struct program *program, struct unit *unit, const struct call *call);
void copies_check_used(const struct program *program);

/* The policy's entry for argument `index` of a call through a member, or NULL. */
struct parameter_copy *copy_of_argument(struct program *program, const struct call *call,
                                        unsigned index);

/* allocations.c: IA2_ALLOCATE_IN and IA2_SHARED_DATA. */
void rewrite_allocations(struct program *program);
void rewrite_shared_variables(struct program *program);

#endif
