/* Variables that stand for functions in one statement: `{ GATE f = ...; CHECK(lib_open(f)); }`. The
 * statement is the use of a macro that makes a string of its argument, so the argument keeps its
 * text. */
#ifndef IA2_SHADOWS_H
#define IA2_SHADOWS_H

#include "analysis/analyze.h"
#include "tree/program.h"
#include "tree/span.h"

struct shadows {
    struct shadow *list;
    size_t count, capacity;
    struct map places; /* set of the places of the names that stand for a variable */
};

/* Requests that the name at `span` is a variable with the value `MACRO(name)`. False if the name is
 * not in a statement that is one use of a macro. */
bool shadow_function(struct shadows *shadows, struct unit *unit,
                     const struct designator *designator, const struct span *span,
                     const char *macro);

/* Requests the edits, when all names are known. Frees the list. */
void shadows_edit(struct shadows *shadows, struct program *program);

#endif
