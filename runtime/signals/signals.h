/* Signals: each handler runs in the compartment that installed it. */
#ifndef IA2_SIGNALS_H
#define IA2_SIGNALS_H

#include <signal.h>

/* sigaction for the calling compartment, with its rights; arguments and result as sigaction's.
 * \a old gives the program's handler back, not the runtime's. Async-signal-safe. */
int ia2_signal_set(int number, const struct sigaction *act, struct sigaction *old);

/* The monitor's operation for it. */
long ia2_signal_setting(long setting, long, long, long, int caller);

/* Start-up, on the only thread: from here on a violation explains itself. */
void ia2_signals_start(void);

/* Before the first destructor runs: the runtime takes the faults for which the program has no
 * handler. Idempotent. */
void ia2_signals_catch_faults(void);

/* At start-up, before system calls are contained: SIGSYS comes to the runtime (entry.h). */
void ia2_signals_catch_calls(void);

#endif
