/* Variables whose address crosses the boundary: locals, parameters and compound literals move to
 * the thread's shared stack, anything else is refused. */
#ifndef IA2_LOCALS_H
#define IA2_LOCALS_H

#include "tree/program.h"

/* Makes program->locals and program->may_cross: finds them, refuses the others; and adds to the
 * escaping types those that a local carries to where others can write it. */
void locals_find(struct program *program);

/* Requests their edits. */
void locals_rewrite(struct program *program);

#endif
