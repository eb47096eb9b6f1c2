/* The parts of the project's files of which compilers may see different ones: libclang parses, and
 * another compiler compiles. */
#ifndef IA2_BRANCHES_H
#define IA2_BRANCHES_H

#include "source.h"

/* All between a conditional that asks which compiler it is, also by a macro that depends on that,
 * and its #endif; or the #define of a macro that is used there. */
struct branch {
    struct source *source;
    size_t begin, end;
};

extern struct branch *branches;
extern size_t branch_count;

/* Finds them in the files; once, after macros_scan. */
void branches_find(struct source *const *sources, size_t count);

#endif
