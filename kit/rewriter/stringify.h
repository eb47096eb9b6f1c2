/* Macros that make a string of an argument (`#x`): an edit of that argument would be seen in the string. */
#ifndef IA2_STRINGIFY_H
#define IA2_STRINGIFY_H

#include "analyze.h"

/* Whether the text at `span`, which is in arguments of macros, is in one of a project's macro that stringifies, itself or by others
 * that it names. Macros are taken by name, whichever file defines them. */
bool stringify_sees(const struct program *program, const struct span *span);

#endif
