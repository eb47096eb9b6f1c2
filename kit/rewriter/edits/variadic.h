/* Calls of variadic functions through the boundary. A gate takes one list of arguments across, so
 * each list has its own. */
#ifndef IA2_VARIADIC_H
#define IA2_VARIADIC_H

#include "abi/signature.h"
#include "analysis/analyze.h"

/* Makes program->argument_lists: what is passed by calls through escaping variadic types. */
void variadic_scan(struct program *program);

/* What calls through a type pass, each list of arguments once, in the order of their ABI strings;
 * NULL if nothing calls through it. */
const struct variadic_lists *variadic_lists(const struct program *program,
                                            const char *function_pointer);

/* The one list that passes nothing but the parameters, for a function that is not called through a
 * pointer. */
const struct variadic_lists *variadic_uncalled(struct unit *unit, struct cursor function);

/* Requests the gates and the edits of the direct calls of all units, once the other candidates are
 * known. */
void variadic_rewrite(struct program *program);

#endif
