/* boundary.json: what the rewriter found and did, for the stages after it and for people. */
#ifndef IA2_BOUNDARY_H
#define IA2_BOUNDARY_H

#include "tree/program.h"

/* The text of boundary.json; the caller's to free. */
char *boundary_text(const struct program *program);

#endif
