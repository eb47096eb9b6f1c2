/* Calls that the project's compiler may see and libclang does not, which nobody has analyzed. */
#ifndef IA2_UNSEEN_H
#define IA2_UNSEEN_H

#include "analysis/analyze.h"

/* Requests edits that stop the compiler, with the reason and the remedy, where it compiles a call
 * through a pointer that was not seen. After branches_find. */
void unseen_guard(const struct program *program);

#endif
