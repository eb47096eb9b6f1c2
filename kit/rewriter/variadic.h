/* Calls of variadic functions through the boundary. A gate takes one list of arguments across, so each list has its own. */
#ifndef IA2_VARIADIC_H
#define IA2_VARIADIC_H

#include "analyze.h"
#include "signature.h"

/* Notes what is passed by calls through escaping variadic types; refuses a type that is called with different lists, as a function
 * of that type would need a gate for each, but has one address. */
void variadic_scan(struct program *program);

/* What calls through a type pass; NULL if nothing calls through it. */
const struct signature *variadic_signature(const char *function_pointer);

/* Requests the gates and the edits of the direct calls of all units, once the other candidates are known. */
void variadic_rewrite(struct program *program);

#endif
