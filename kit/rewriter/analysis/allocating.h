/* Whether a line of [allocations] has an effect: IA2_ALLOCATE_IN moves what its own compartment
 * allocates, and nothing that other compartments allocate meanwhile. */
#ifndef IA2_ALLOCATING_H
#define IA2_ALLOCATING_H

#include "function_index.h"

/* What code reaches within its compartment: by calls, and by functions that it hands to others,
 * which may call them back. */
struct allocating {
    bool own; /* an allocation, or a call by a pointer, which may be one */
    bool outside; /* a function that no compartment defines: libc's, or of a library */
    const char *crossing; /* a function of another compartment; NULL if it calls none */
};

/* Adds what a function reaches. */
void allocating_function(const struct function_index *index, struct unit *unit,
                         const struct function *function, struct allocating *found);

/* Adds what an expression reaches. */
void allocating_value(const struct function_index *index, struct unit *unit, struct cursor value,
                      struct allocating *found);

#endif
