/* Code that comes with dlopen. In the monitor. */
#ifndef IA2_CODE_H
#define IA2_CODE_H

#include "containment/denied.h"

/* mmap(2) with PROT_EXEC: a copy of the file's bytes that nobody can write, if they have no
 * instruction by which a compartment could take rights. Otherwise it is denied. The address, or a
 * negative errno. */
long ia2_code_map(const struct ia2_call *call);

#endif
