/* malloc and family of one compartment. */
#ifndef IA2_COMPARTMENT_HEAP_H
#define IA2_COMPARTMENT_HEAP_H

#include <stdint.h>

#pragma GCC visibility push(hidden)

/* A jump skips the frames in this range: leaves the scopes of IA2_ALLOCATE_IN that lie there. */
void ia2_allocations_cut(uintptr_t low, uintptr_t high);

#pragma GCC visibility pop

#endif
