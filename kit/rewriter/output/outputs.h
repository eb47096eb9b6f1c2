/* The files that a run makes. */
#ifndef IA2_OUTPUTS_H
#define IA2_OUTPUTS_H

#include "tree/program.h"

/* Writes the mirror, callgates/NAME.S, boundary.json and destructors.json. Fatal on failure. */
void outputs_write(const struct program *program);

#endif
