/* The monitor's operations, and its entry. */
#ifndef IA2_DISPATCH_H
#define IA2_DISPATCH_H

/* The target of each compartment's gate to the monitor: does one operation (enum ia2_operation) for
 * \a caller, which the gate fills in. Ends the process if signals are not blocked. */
long ia2_monitor_run(int operation, long a, long b, long c, long d, int caller);

#endif
