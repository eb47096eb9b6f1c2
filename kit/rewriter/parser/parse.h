/* Reading: every selected unit of the plan, on all processors. */
#ifndef IA2_PARSE_H
#define IA2_PARSE_H

#include "analysis/analyze.h"
#include "cache.h"

/* Makes the trees of program->units, or takes them from the cache, and analyzes them. Parse errors
 * are refusals. `extra` are further arguments for each unit. */
void parse_units(struct program *program, const struct cache *cache, const char *const *extra,
                 size_t extra_count);

#endif
