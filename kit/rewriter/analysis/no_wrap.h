/* IA2_BEGIN_NO_WRAP ... IA2_END_NO_WRAP: functions declared in between run with the rights of
 * whoever calls them. */
#ifndef IA2_NO_WRAP_H
#define IA2_NO_WRAP_H

#include "analyze.h"

/* Marks the plan's imports, and takes their calls out of the units' facts: nothing crosses there.
 * After the units are parsed, before any stage that asks what crosses. */
void no_wrap_find(struct program *program);

/* Whether a function is declared so, in its unit or, if it is an import, in any. */
bool no_wrap_has(const struct program *program, const struct unit *unit, struct cursor function);

#endif
