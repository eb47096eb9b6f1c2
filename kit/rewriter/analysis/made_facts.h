/* Where function pointers are made of values of other kinds, and become such values: by casts, by
 * members of a union, by functions of libc that copy bytes. */
#ifndef IA2_MADE_FACTS_H
#define IA2_MADE_FACTS_H

#include "analyze.h"

/* Notes what an expression of `unit` makes. */
void made_note(struct unit *unit, struct cursor cursor);

/* Whether an object of the type holds function pointers itself, not behind a pointer. */
bool holds_function_pointers(struct unit *unit, struct type type);

#endif
