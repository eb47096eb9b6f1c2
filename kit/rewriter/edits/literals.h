/* The text of a compound literal that moves to the shared stack, and the block at whose end it
 * goes. */
#ifndef IA2_LITERALS_H
#define IA2_LITERALS_H

#include "moved_locals.h"

/* Requests the edits of one compound literal. */
void literal_rewrite(const struct moved_literal *literal);

/* When all are requested: other uses of a macro, and other units that read the same file, have the
 * text too, and give its block an end. */
void literals_rewrite_others(struct unit *unit);

#endif
