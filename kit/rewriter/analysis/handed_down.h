/* Where an address is handed down from call to call, and nowhere kept: that it crosses there is no
 * doubt. */
#ifndef IA2_HANDED_DOWN_H
#define IA2_HANDED_DOWN_H

#include "flow.h"

/* An argument of a call through the boundary, as far as addresses are handed down
 * from call to call, by results and by variables that hold nothing else: of this there is no doubt.
 * `direct`: the call always crosses; else, by a pointer, it may stay in its compartment, and of
 * variables that are not automatic only those count whose address is the argument itself. */
void flow_handed_down(struct program *program, struct unit *unit, struct cursor value, bool direct,
                      flow_take *take);

#endif
