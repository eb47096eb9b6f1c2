/* Some signals are the runtime's own and must come whenever the program runs: SIGSYS, by which the
 * monitor hears of system calls where they are contained (the kernel ends a process that blocks it
 * and makes such a call), and in permissive programs SIGSEGV and SIGTRAP. What the program asks for
 * is done without these. (libc's own SIG_BLOCK of all signals comes to the monitor.) */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>

#include "permissive_mode.h"
#include "state/state.h"

#define HIDDEN __attribute__((visibility("hidden")))

static const sigset_t *without(const sigset_t *set, sigset_t *own)
{
    if (!set)
        return NULL;
    *own = *set;
    if (ia2_state.contained)
        sigdelset(own, SIGSYS);
#if IA2_PERMISSIVE
    sigdelset(own, SIGSEGV);
    sigdelset(own, SIGTRAP);
#endif
    return own;
}

#define WRAP_MASK(function) \
    int __real_##function(int, const sigset_t *, sigset_t *); \
    HIDDEN int __wrap_##function(int how, const sigset_t *set, sigset_t *old) \
    { \
        sigset_t own; \
        if (how == SIG_UNBLOCK) \
            return __real_##function(how, set, old); \
        return __real_##function(how, without(set, &own), old); \
    }
WRAP_MASK(sigprocmask)
WRAP_MASK(pthread_sigmask)

int __real_sigsuspend(const sigset_t *);
HIDDEN int __wrap_sigsuspend(const sigset_t *set)
{
    sigset_t own;
    return __real_sigsuspend(without(set, &own));
}

int __real_ppoll(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
HIDDEN int __wrap_ppoll(struct pollfd *files, nfds_t n, const struct timespec *time,
                        const sigset_t *set)
{
    sigset_t own;
    return __real_ppoll(files, n, time, without(set, &own));
}

int __real_pselect(int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *);
HIDDEN int __wrap_pselect(int n, fd_set *in, fd_set *out, fd_set *except,
                          const struct timespec *time, const sigset_t *set)
{
    sigset_t own;
    return __real_pselect(n, in, out, except, time, without(set, &own));
}

int __real_epoll_pwait(int, struct epoll_event *, int, int, const sigset_t *);
HIDDEN int __wrap_epoll_pwait(int file, struct epoll_event *events, int n, int time,
                              const sigset_t *set)
{
    sigset_t own;
    return __real_epoll_pwait(file, events, n, time, without(set, &own));
}
