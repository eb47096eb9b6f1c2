/* Policy lines that hang on a definition: [allocations] and the variables of [shared]. */
#ifndef IA2_ALLOCATIONS_H
#define IA2_ALLOCATIONS_H

#include "analysis/analyze.h"

/* Requests IA2_ALLOCATE_IN and IA2_ALLOCATED_IN; notes in the plan who allocates in whose heap. */
void rewrite_allocations(struct program *program);

/* Requests IA2_SHARED_DATA for the policy's shared variables, and for those that say so. */
void rewrite_shared_variables(struct program *program);

#endif
