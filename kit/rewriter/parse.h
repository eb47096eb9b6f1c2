/* Parsing: every selected unit of the plan, on all processors. */
#ifndef IA2_PARSE_H
#define IA2_PARSE_H

#include "analyze.h"

/* Parses and analyzes program->units. Parse errors are refusals. `extra` are further arguments for each unit. */
void parse_units(struct program *program, const char *const *extra, size_t extra_count);

/* Size of the largest vector register that the unit is compiled for: 16, 32 or 64. After parse_units; not thread-safe. */
unsigned parse_vector_bytes(struct unit *unit);

#endif
