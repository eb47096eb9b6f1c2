/* Variables whose address crosses the boundary: locals and parameters move to the thread's shared stack, anything else is
 * refused. */
#ifndef IA2_LOCALS_H
#define IA2_LOCALS_H

#include "analyze.h"

struct moved_local {
    struct unit *unit;
    CXCursor variable, function;
    const char *name, *type, *file;
    unsigned line;
};

extern struct moved_local *moved_locals;   /* in order of file and line after locals_move */
extern size_t moved_local_count;

/* Finds them, requests their edits (moved.c), refuses the others. */
void locals_move(struct program *program);

/* moved.c: the edits of one local. */
void moved_rewrite(const struct moved_local *local);

#endif
