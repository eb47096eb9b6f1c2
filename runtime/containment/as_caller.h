/* System calls that the monitor makes for a compartment. as_caller.S. */
#ifndef IA2_AS_CALLER_H
#define IA2_AS_CALLER_H

#include <stdint.h>

struct ia2_thread_record;

struct ia2_caller_call {
    uint64_t number, argument[5];
    uint64_t pkru; /* of the compartment; in the thread's record too while the call lasts */
};

/* In the monitor, on a thread that has its stacks, with all signals blocked: makes the call with
 * the cookie, and with the rights \a call has, so that the kernel reads and writes only memory that
 * the compartment can. Returns what the kernel does. In the child of a fork it returns too. */
long ia2_call_as(const struct ia2_caller_call *call);

/* In the monitor: clone(2) of a thread that begins by the frame \a frame (state/signal_frame.h),
 * with nothing of the monitor's. Returns in the parent only. */
long ia2_clone_into(uint64_t flags, uint64_t stack, uint64_t parent, uint64_t child, uint64_t tls,
                    const char *frame);

#endif
