/* Whose stack the arguments of a va_list are on. */
#ifndef IA2_MADE_LISTS_H
#define IA2_MADE_LISTS_H

#include "analyze.h"

/* Whether the unit's compartment may have made the list. It has not if the list is a parameter to
 * which only other compartments give lists: their own calls ask for the grants that these need. */
bool list_is_own(struct unit *unit, struct cursor list);

#endif
