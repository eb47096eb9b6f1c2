/* What the monitor does with a system call that the kernel did not make (filter.h): it decides for
 * the compartment that called, and makes the call itself or refuses it. */
#ifndef IA2_CALLS_H
#define IA2_CALLS_H

#include <stdint.h>

struct ia2_frame;
struct ia2_thread_record;

/* Whether a compartment's policy says something about system calls, so that those of all are to be
 * contained; never on a CPU without keys, and never in permissive programs. */
int ia2_calls_are_to_be_contained(void);
/* For the monitor's dispatcher, by key 0, once, before main: contains the system calls of this
 * process from now on. */
long ia2_calls_contained(long, long, long, long, int caller);
/* With key 0, on the first thread: asks the monitor for that. */
void ia2_calls_contain(void);

/* Whether \a frame is of a call that the filter has trapped. */
int ia2_call_is_trapped(const struct ia2_frame *frame);

/* In the monitor, on the thread of \a record, which was interrupted with the rights \a pkru:
 * decides and acts. \a frame has the result afterwards. Ends the process if the rights are not
 * those of who runs. */
void ia2_call_answer(const struct ia2_thread_record *record, struct ia2_frame *frame,
                     uint32_t pkru);

#endif
