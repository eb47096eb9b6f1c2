/* Permissive programs: the same compartments, keys and gates, but a violation is recorded and let
 * through.
 *
 * Nothing is enforced in such a program. It is another runtime, libia2_permissive.so and
 * libia2_compartment_permissive.a, made of the same sources with IA2_PERMISSIVE and of the folder
 * permissive/; which one a program has is decided when it is linked and written in each
 * compartment's descriptor. In the runtime that enforces, all of this file is nothing: there is no
 * code in it that somebody could switch on. */
#ifndef IA2_PERMISSIVE_H
#define IA2_PERMISSIVE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#if IA2_PERMISSIVE

/* Start-up, once there are keys: opens the log, says that nothing is enforced. Aborts if the log
 * cannot be written. */
void ia2_permissive_start(void);

/* Learns which DSOs there are; again after each dlopen. Not async-signal-safe. */
void ia2_permissive_objects(void);

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

/* IA2_CALL with a value that is no gate, or (\a is_gate) one of another type. 1: recorded, to be
 * called all the same. */
int ia2_permissive_call(const void *target, const void *from, int is_gate);

/* A block of another heap is freed or resized, by \a function of libc, called from \a from. 1:
 * recorded. \a size gets the block's, 0 if it is not known. */
int ia2_permissive_foreign_block(void *block, const char *function, size_t *size, const void *from);

/* The caller, \a from, is about to give [address, address + size) to the kernel, which enforces its
 * rights but says only EFAULT. If it has none there this is recorded as an access of \a function of
 * libc, and everything is opened. Gives the PKRU to go back to. */
uint32_t ia2_permissive_lend(const char *function, const void *address, size_t size, int write,
                             const void *from);
void ia2_permissive_take_back(uint32_t pkru);

/* Remembers who allocated a block (the calls that led here), and forgets it. Thread-safe. */
void ia2_permissive_allocated(void *block, size_t size);
void ia2_permissive_freed(void *block);

/* The process ends: brings the log up to date and says how much is in it. Async-signal-safe; any
 * number of times. */
void ia2_permissive_end(void);

#else

static inline void ia2_permissive_start(void) {}
static inline void ia2_permissive_objects(void) {}
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
static inline int ia2_permissive_call(const void *target, const void *from, int is_gate)
{
    (void)target, (void)from, (void)is_gate;
    return 0;
}
static inline int ia2_permissive_foreign_block(void *block, const char *function, size_t *size,
                                               const void *from)
{
    (void)block, (void)function, (void)size, (void)from;
    return 0;
}
static inline void ia2_permissive_allocated(void *block, size_t size)
{
    (void)block, (void)size;
}
static inline void ia2_permissive_freed(void *block)
{
    (void)block;
}
static inline void ia2_permissive_end(void) {}

#endif

#endif
