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

extern struct moved_local *moved_locals;   /* in order of file and line after locals_find */
extern size_t moved_local_count;

/* Finds them, refuses the others; and adds to the escaping types those that a local carries to where others can write it. */
void locals_find(struct program *program);

/* Requests their edits. */
void locals_rewrite(struct program *program);

/* moved.c: the edits of one local. */
void moved_rewrite(const struct moved_local *local);

#endif
