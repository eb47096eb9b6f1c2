/* What is said of a system call that is denied. */
#ifndef IA2_DENIED_H
#define IA2_DENIED_H

#include <stdint.h>

#include "containment/call_table.h"

/* One call that the filter has trapped. */
struct ia2_call {
    long number;
    uint64_t argument[6];
    int key; /* whose rights the thread has: a compartment, or 0 */
    int who; /* who has to answer for it: a compartment, or -1 if key 0 runs for several */
    uint32_t pkru;
    uintptr_t code;
};

/* In the monitor: says, once for each place, what was denied and \a why (NULL: the policy does not
 * allow \a class). Returns -EPERM. */
long ia2_denied(const struct ia2_call *call, enum ia2_call_class class, const char *why);

#endif
