/* Variables whose address crosses the boundary: locals, parameters and compound literals move to
 * the thread's shared stack, anything else is refused. */
#ifndef IA2_LOCALS_H
#define IA2_LOCALS_H

#include "analysis/analyze.h"

struct moved_local {
    struct unit *unit;
    struct cursor variable, function;
    const char *name, *type, *file;
    unsigned line;
};

/* A compound literal in a function. */
struct moved_literal {
    struct unit *unit;
    struct cursor literal, function;
};

extern struct moved_literal *moved_literals;
extern size_t moved_literal_count;
extern struct moved_local *moved_locals; /* in order of file and line after locals_find */
extern size_t moved_local_count;

/* Finds them, refuses the others; and adds to the escaping types those that a local carries to
 * where others can write it. */
void locals_find(struct program *program);

/* Requests their edits. */
void locals_rewrite(struct program *program);

/* literals.c: the edits of one compound literal. */
void literal_rewrite(const struct moved_literal *literal);

/* Then: other uses of a macro, and other units that read the same file, have the text too, and give
 * its block an end. */
void literals_rewrite_others(struct unit *unit);

/* moved.c: the edits of one local. */
void moved_rewrite(const struct moved_local *local);

#endif
