/* The log of a permissive program: one JSON object per line, each different violation once, with a
 * count.
 *
 * docs/permissive.md describes the lines. What makes two violations one: kind, instruction, caller,
 * accessor, owner, read or write, and the object (variable, allocation, function of the stack
 * frame). A line is written when its violation is first seen, so the log is of use however the
 * process ends; its count is brought up to date at each power of two and at the end. Forked
 * children share the log. Everything here is thread-safe and, but for ia2_violation_log_open,
 * async-signal-safe. */
#ifndef IA2_PERMISSIVE_VIOLATION_LOG_H
#define IA2_PERMISSIVE_VIOLATION_LOG_H

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

/* Creates the file and writes its first line. Aborts on failure. */
void ia2_violation_log_open(void);

/* A SIGSEGV by a key, on a thread that had the rights \a pkru. 1: the place has had so many that
 * the page is open now, and the instruction will not fault there again. */
int ia2_violation_log_access(const siginfo_t *info, const ucontext_t *context, uint32_t pkru);

/* Everything else. */
struct ia2_violation {
    const char *kind; /* "access"; "kernel": given to it; "call", "type": IA2_CALL; "block": of
                         another heap */
    const char *function; /* of libc that was called, or NULL */
    uintptr_t address; /* what was touched, called or freed */
    uintptr_t instruction;
    uintptr_t caller; /* in the accessor's code, if the instruction is elsewhere; 0 unknown */
    int accessor, owner; /* keys; owner -1: not known */
    uint32_t pkru;
    int writes;
};
void ia2_violation_log(const struct ia2_violation *violation);

#if IA2_PERMISSIVE

/* The process dies, or (exit) ends by itself: brings the log up to date, says in it how the run
 * ended, and how much is in it. A run that is killed otherwise says nothing of its end.
 * Async-signal-safe; any number of times. */
void ia2_permissive_end(void);
void ia2_permissive_exit(void);

#else

static inline void ia2_permissive_end(void) {}
static inline void ia2_permissive_exit(void) {}

#endif

#endif
