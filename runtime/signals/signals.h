/* Signals: each handler runs in the compartment that installed it. */
#ifndef IA2_SIGNALS_H
#define IA2_SIGNALS_H

#include <signal.h>
#include <stdint.h>

/* sigaction for the calling compartment, with its rights; arguments and result as sigaction's.
 * \a old gives the program's handler back, not the runtime's. Async-signal-safe. */
int ia2_signal_set(int number, const struct sigaction *act, struct sigaction *old);

/* The monitor's operation for it. */
long ia2_signal_setting(long setting, long, long, long, int caller);

struct ia2_thread_record;

/* entry.S: where the kernel enters each handler. Takes the monitor's rights, goes to its stack, and
 * leaves by the frame that ia2_signal_arrived returns. On a thread without a record it takes the
 * rights of key 0 and goes on with ia2_signal_unknown. */
void ia2_signal_entry(int number, siginfo_t *info, void *context);

struct ia2_frame;

/* In the monitor, with all signals blocked: \a at is the kernel's frame on the thread of \a record.
 * \a virtual_pkru: the rights of the interrupted code, on a CPU without keys. \a copy: of that
 * frame, as ia2_frame_take made it. */
char *ia2_signal_arrived(char *at, const struct ia2_thread_record *record, uint32_t virtual_pkru,
                         struct ia2_frame *copy);
void ia2_signal_unknown(int number, siginfo_t *info, void *context, uint32_t virtual_pkru);

/* Start-up, on the only thread: from here on a violation explains itself. */
void ia2_signals_start(void);

/* Before the first destructor runs: the runtime takes the faults for which the program has no
 * handler. Idempotent. */
void ia2_signals_catch_faults(void);

#endif
