/* The uses of the project's macros around a piece of text. Macros are taken by name, whichever file
 * defines them. */
#ifndef IA2_MACRO_USE_H
#define IA2_MACRO_USE_H

#include "input/macros.h"
#include "tree/span.h"

/* The roles (macros.h) of the arguments of all macros around the text at `span`. */
unsigned argument_roles(const struct macros *macros, const struct span *span);

/* The macro whose argument begins at an offset, and the argument's position and end; the name's
 * place, `source` NULL if there is none. */
struct place argument_macro(const struct macros *macros, struct source *source, size_t offset,
                            size_t *position, size_t *end);

#endif
