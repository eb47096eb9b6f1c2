/* Function pointers that are given to code which the program only declares: each is checked before
 * that code gets it, since nothing checks its calls. */
#ifndef IA2_CALLBACKS_H
#define IA2_CALLBACKS_H

#include "tree/program.h"

/* Requests the edits of a unit, when gates are being made. */
void callbacks_rewrite(struct program *program, struct unit *unit);

#endif
