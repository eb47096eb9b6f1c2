/* What the arguments of a trapped call lead to. */
#ifndef IA2_ARGUMENTS_H
#define IA2_ARGUMENTS_H

#include <stddef.h>

#include "containment/denied.h"

/* In the monitor: copies \a size bytes from an address that the call gives. 0, or -EFAULT if
 * another compartment, or the runtime, has something there. The range cannot become another's
 * meanwhile. */
long ia2_argument_copy(const struct ia2_call *call, void *to, uint64_t from, size_t size);

#endif
