/* A violation explains itself: who, in which function, touched whose memory. */
#ifndef IA2_VIOLATIONS_H
#define IA2_VIOLATIONS_H

#include <signal.h>
#include <ucontext.h>

/* Says who touched what, on stderr. \a pkru: the rights of the thread when it was interrupted. 0 if
 * the fault is no violation. Async-signal-safe as far as the process is about to die: it calls
 * dladdr. */
int ia2_violation_report(const siginfo_t *info, const ucontext_t *context, unsigned pkru);

#endif
