/* Values that cannot have come from another compartment, as far as that can be shown: what is made
 * of constants and of libc's results, by way of variables and functions that hold nothing else. */
#ifndef IA2_OWN_VALUES_H
#define IA2_OWN_VALUES_H

#include "analyze.h"

/* When the values are indexed (flow.h). False: nothing is known. */
bool is_own_value(struct program *program, struct unit *unit, struct cursor value);

#endif
