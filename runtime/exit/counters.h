/* How many destructors have run where. Hints: every compartment can write them. */
#ifndef IA2_EXIT_COUNTERS_H
#define IA2_EXIT_COUNTERS_H

#include <stdatomic.h>

struct ia2_exit_counts {
    _Atomic unsigned long success, fallback, unknown, faulted; /* see struct ia2_exit_counters */
};
extern struct ia2_exit_counts ia2_exit_counts;

/* Says the counters on stderr, once, if IA2_DIAG_EXIT asked for that. */
void ia2_exit_print_counters(void);

#endif
