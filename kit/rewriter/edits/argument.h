/* Names in the arguments of the project's macros, where an edit of the name would be seen in
 * something else that the macro makes of the argument: a string (`#x`), or a name (`p->x`,
 * `x##_init`). Macros are taken by name, whichever file defines them. */
#ifndef IA2_ARGUMENT_H
#define IA2_ARGUMENT_H

#include "tree/program.h"
#include "tree/span.h"

/* Requests that the name at `span` stands for `text` where a macro that has one of `roles` uses the
 * value of the argument that begins with the name; the argument stays as it is. False if it begins
 * no such argument, and then nothing is requested. */
bool argument_rewrite(struct unit *unit, const struct span *span, unsigned roles, const char *name,
                      const char *text, struct cursor cursor);

#endif
