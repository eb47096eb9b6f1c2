/* The passes of a run, in their order. */
#ifndef IA2_PASSES_H
#define IA2_PASSES_H

#include "tree/program.h"

/* Runs all of them. Refusals are printed and end the process before anything is written. */
void passes_run(struct program *program);

/* Prints what passes there are, a line each: NAME, what it reads, what it makes; between tabs. */
void passes_print(void);

#endif
