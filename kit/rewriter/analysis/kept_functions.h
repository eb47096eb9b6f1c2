/* Functions whose address stays where it was put: in a variable whose contents are called and
 * compared, and go nowhere else. Other compartments cannot have come by such a value, so they may
 * not call its gate. */
#ifndef IA2_KEPT_FUNCTIONS_H
#define IA2_KEPT_FUNCTIONS_H

#include "analyze.h"

/* Notes what is at a cursor of `unit`, which is visited before its children. `is_part`: it is a
 * part of another expression, which may use its value. */
void kept_note(struct unit *unit, struct cursor cursor, bool is_part);

/* Whether the address that is taken at a name of a function is kept. When all is visited. */
bool is_kept(const struct unit *unit, struct cursor reference);

#endif
