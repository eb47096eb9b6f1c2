/* The seccomp filter, by which the kernel makes the system calls of a compartment's code only if
 * they are free (call_table.h), and all others only for the monitor, which has the cookie. A call
 * that is neither comes to the monitor as SIGSYS (containment/calls.h).
 *
 * The filter looks at the architecture, the number and the arguments, all in registers. It cannot
 * see who calls. (Documentation/userspace-api/seccomp_filter.rst; seccomp_data has no PKRU.) */
#ifndef IA2_FILTER_H
#define IA2_FILTER_H

#include <stdint.h>

/* Descriptors from here on cannot be closed or replaced without the monitor, which opens files
 * there while it looks at them. */
#define IA2_FIRST_HELD 1000

/* In the monitor, once: makes the kernel filter the calls of all threads from now on. 0, or a
 * negative errno if the kernel has no filters. Leaves no copy of the cookie. */
int ia2_filter_install(uint64_t cookie);

#endif
