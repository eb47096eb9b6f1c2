/* A violation is let through: the thread executes one instruction with every key open. */
#ifndef IA2_PERMISSIVE_LET_THROUGH_H
#define IA2_PERMISSIVE_LET_THROUGH_H

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

#if IA2_PERMISSIVE

/* First in the runtime's signal handler. 1: the signal was a violation, or the end of the step that
 * let one through; the thread goes on when the handler returns. 0: it is something else, and \a
 * context is as the program knows it. Async-signal-safe. */
int ia2_permissive_fault(int number, const siginfo_t *info, ucontext_t *context);

/* Whether the runtime has to have this signal, whatever handler the program wants. */
static inline int ia2_permissive_catches(int number)
{
    return number == SIGSEGV || number == SIGTRAP;
}

/* Signals that may be blocked, of those in \a mask: the kernel ends a process that faults with
 * SIGSEGV blocked. */
static inline uint64_t ia2_permissive_mask(uint64_t mask)
{
    return mask & ~(1ul << (SIGSEGV - 1) | 1ul << (SIGTRAP - 1));
}

#else

static inline int ia2_permissive_fault(int number, const siginfo_t *info, ucontext_t *context)
{
    (void)number, (void)info, (void)context;
    return 0;
}
static inline int ia2_permissive_catches(int number)
{
    (void)number;
    return 0;
}
static inline uint64_t ia2_permissive_mask(uint64_t mask)
{
    return mask;
}

#endif

#endif
