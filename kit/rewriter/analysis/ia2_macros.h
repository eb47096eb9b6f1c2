/* What a program says by the macros of IA2's guide and the policy says too: both must say the same.
 */
#ifndef IA2_IA2_MACROS_H
#define IA2_IA2_MACROS_H

#include "analyze.h"

/* Refuses INIT_RUNTIME, IA2_COMPARTMENT, PKEY, ia2_main, ia2_register_compartment and the signal
 * handlers' keys where they contradict the policy, what has no meaning here, and permissive_mode.h
 * unless the program is to be permissive. After the units are parsed. */
void ia2_macros_check(struct program *program);

#endif
