/* What runs at exit, as far as the sources say it: the tables of destructors, for trace and lookup.
 */
#ifndef IA2_DESTRUCTORS_REWRITER_H
#define IA2_DESTRUCTORS_REWRITER_H

#include "base/intern.h"
#include "tree/program.h"

/* Makes program->destructors: collects the plan's destructors and the functions that are registered
 * by name with atexit and the like; gives static ones a name that the table can use
 * (IA2_STATIC_TARGET). Before merge_edits. */
void destructors_find(struct program *program);

/* The `ia2_destructor` lines of a compartment for callgates/NAME.S. */
void destructors_assembly(struct text *out, const struct destructors *destructors,
                          unsigned compartment);

/* The text of destructors.json; the caller's to free. */
char *destructors_text(const struct program *program);

#endif
