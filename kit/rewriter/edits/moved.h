/* The text of a local that moves: its declaration, its uses, and the jumps that must not bypass it.
 */
#ifndef IA2_MOVED_H
#define IA2_MOVED_H

#include "moved_locals.h"

/* Requests the edits of one local. */
void moved_rewrite(const struct moved_local *local);

#endif
