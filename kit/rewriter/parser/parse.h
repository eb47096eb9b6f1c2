/* Reading: every selected unit of the plan, on all processors. */
#ifndef IA2_PARSE_H
#define IA2_PARSE_H

#include "tree/program.h"

/* Makes the trees of program->units, or takes them from the cache, and collects the sources. Parse
 * errors are refusals. */
void parse_units(struct program *program);

/* Whether the unit's preprocessor skips a place in a file that the unit reads. Parses the unit
 * again, so this is for what is seldom asked. */
bool parse_skips(struct unit *unit, const struct source *source, size_t offset);

#endif
