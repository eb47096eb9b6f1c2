/* IA2_PRE_CONDITION_FOR, IA2_POST_CONDITION_FOR, IA2_CONSTRUCTOR and IA2_DESTRUCTOR: a function
 * that one of them is about gets a C function in front of it, IA2_CHECKED(f), which its gate calls
 * instead. The gates of all others stay as they are. */
#ifndef IA2_CONDITIONS_H
#define IA2_CONDITIONS_H

#include "tree/program.h"

/* After all gates are made and before merge_edits: requests the functions, names them in the gates,
 * refuses what cannot be. */
void conditions_rewrite(struct program *program);

#endif
