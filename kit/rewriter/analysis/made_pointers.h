/* Function pointers that are made of values of other kinds (made_facts.h). Where such a value may
 * have come from another compartment, the pointer's type escapes, so that each call through it is
 * checked, and so do the types of what becomes values of that kind, so that these are gates. */
#ifndef IA2_MADE_POINTERS_H
#define IA2_MADE_POINTERS_H

#include "tree/program.h"

/* Adds to program->escape. When values are indexed and the types that cross are known. */
void made_escape(struct program *program);

#endif
