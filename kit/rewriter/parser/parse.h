/* Reading: every selected unit of the plan, on all processors. */
#ifndef IA2_PARSE_H
#define IA2_PARSE_H

#include "tree/program.h"

/* Makes the trees of program->units, or takes them from the cache, and collects the sources. Parse
 * errors are refusals. */
void parse_units(struct program *program);

#endif
