/* The functions of a program by name, as their own compartment knows them: a static one within its
 * unit, any other within the compartment. */
#ifndef IA2_FUNCTION_INDEX_H
#define IA2_FUNCTION_INDEX_H

#include "analyze.h"

struct indexed_function {
    struct unit *unit;
    struct function *function;
};

/* Function name to struct indexed_function; the caller frees it with function_index_free. */
struct function_index {
    struct map by_name;
};

struct function_index function_index_make(struct program *program);

/* The function that `name` means in a unit; NULL if its compartment has no C definition of it. */
const struct indexed_function *function_index_find(const struct function_index *index,
                                                   const struct unit *unit, const char *name);

void function_index_free(struct function_index *index);

#endif
