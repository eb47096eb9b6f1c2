/* Function pointers that go to code which the program only declares: libc, libraries outside of all
 * compartments, assembly. That code calls them without a check, with the rights of whoever gave
 * them. */
#ifndef IA2_HANDED_FACTS_H
#define IA2_HANDED_FACTS_H

#include "analyze.h"

/* Notes what an expression or a variable of `unit` hands over. */
void handed_note(struct unit *unit, struct cursor cursor);

#endif
