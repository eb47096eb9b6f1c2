/* Macros that make a string of an argument (`#x`): an edit of that argument would be seen in the string. */
#ifndef IA2_STRINGIFY_H
#define IA2_STRINGIFY_H

#include "analysis/analyze.h"

/* Whether the text at `span`, which is in arguments of macros, is in one of which a macro of the
 * project makes a string, itself or by others that it passes it to. Macros are taken by name, whichever file defines them. */
bool stringify_sees(const struct span *span);

#endif
