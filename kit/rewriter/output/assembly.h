/* callgates/NAME.S: the call gates and the constants of a compartment. */
#ifndef IA2_ASSEMBLY_H
#define IA2_ASSEMBLY_H

#include "input/plan.h"

/* Its text; the caller's to free. After gates_settle. */
char *assembly_text(const struct plan *plan, const struct compartment *compartment, size_t *length);

#endif
