/* callgates/NAME.S: the call gates and the constants of a compartment. */
#ifndef IA2_ASSEMBLY_H
#define IA2_ASSEMBLY_H

#include "tree/program.h"

/* Its text; the caller's to free. After sort_gates. */
char *assembly_text(const struct program *program, const struct compartment *compartment,
                    size_t *length);

#endif
