/* What the policy lets a compartment have the kernel do. */
#ifndef IA2_ALLOWED_H
#define IA2_ALLOWED_H

#include "containment/call_table.h"

/* Whether the compartment \a key may make calls of the class; -1: key 0 runs, for all compartments
 * that wait on this thread. Everything is allowed where calls are not contained. Any rights;
 * async-signal-safe. */
int ia2_call_may(int key, enum ia2_call_class class);

#endif
