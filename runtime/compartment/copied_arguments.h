/* Arguments by copy (IA2_COPY_IN and its like). */
#ifndef IA2_COMPARTMENT_COPIED_ARGUMENTS_H
#define IA2_COMPARTMENT_COPIED_ARGUMENTS_H

#include <stdint.h>

#pragma GCC visibility push(hidden)

/* A jump skips the frames in this range: brings back what the callees wrote to copies there. */
void ia2_copies_cut(uintptr_t low, uintptr_t high);

#pragma GCC visibility pop

#endif
