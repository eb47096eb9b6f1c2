/* What becomes of function pointers: IA2_FN, IA2_CALL, and the calls that share or copy an
 * argument. */
#ifndef IA2_REWRITE_H
#define IA2_REWRITE_H

#include "analysis/analyze.h"

/* Requests the edits and gates of all units, refuses what has no safe form. */
void rewrite_pointers(struct program *program);

#endif
