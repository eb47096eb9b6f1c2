/* Globals and static variables whose address flows to where others may get it, in ways that are too
 * many to refuse all of them (analysis/flow.h): what boundary.json says of them, and --explain. */
#ifndef IA2_MAY_CROSS_H
#define IA2_MAY_CROSS_H

#include "tree/program.h"

struct may_cross {
    const char *name;
    const char *file,
        *taken_file; /* of the variable, and of where its address is taken; as messages have them */
    unsigned line, taken_line;
};

struct may_cross_list {
    struct may_cross *list;
    size_t count, capacity;
};

/* Once for each variable, by the place of the source that comes first. */
void may_cross_note(struct may_cross_list *may_cross, struct cursor variable, struct cursor cause);

/* Sorts them by their places. Prints them, if the command line says so. */
void sort_may_cross(struct program *program);

#endif
