/* Names that a macro puts together with `##`: where they are written, and what they then stand for.
 */
#ifndef IA2_PASTED_H
#define IA2_PASTED_H

#include "tree/program.h"
#include "tree/span.h"

/* Makes program->pasted, with no names. */
void pasted_begin(struct program *program);

/* The text `a ## b` in a #define that makes `name` at a cursor whose name has no text of its own,
 * by the definitions of the macros that are used there; the first, if a macro makes it more than
 * once. False if there is none that can be a value. */
bool pasted_span(struct unit *unit, struct cursor cursor, const char *name, struct span *span);

/* Requests that all of these stand for `text`. Each other name that the same text makes stays what
 * it is. */
void pasted_rewrite(struct unit *unit, struct cursor cursor, const char *name, const char *text);

/* Requests that a parameter in the body of a macro, `span`, stands for `text` where the argument
 * begins with `name`; of other uses of the macro the name that the argument begins with stays what
 * it is. */
void pasted_mark(struct program *program, const struct span *span, const char *name,
                 const char *text, struct cursor cursor);

/* Declares the names, when all are requested. */
void pasted_declare(struct program *program);

#endif
