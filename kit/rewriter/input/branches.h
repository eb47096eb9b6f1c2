/* The parts of the project's files of which compilers may see different ones: libclang parses, and
 * another compiler compiles. */
#ifndef IA2_BRANCHES_H
#define IA2_BRANCHES_H

#include "macros.h"

/* All between a conditional that asks which compiler it is, also by a macro that depends on that,
 * and its #endif; or the #define of a macro that is used there. */
struct branch {
    struct source *source;
    size_t begin, end;
};

struct branches {
    struct branch *list;
    size_t count, capacity;
};

/* Those of the files, whose macros are known; to the end of the run. */
struct branches *branches_find(struct source *const *sources, size_t count,
                               const struct macros *macros);

#endif
