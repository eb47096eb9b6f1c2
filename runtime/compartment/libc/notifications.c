/* What libc would run, or have the kernel run, on a stack that is not the compartment's. */
#define _GNU_SOURCE
#include <aio.h>
#include <errno.h>
#include <mqueue.h>
#include <netdb.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/die.h"
#include "compartment/compartment.h"

#define HIDDEN __attribute__((visibility("hidden")))

/* The kernel enters every handler on the runtime's stack, under key 0; the compartment's own would
 * fault. It is kept to be read back. */
static _Thread_local stack_t signal_stack = {.ss_flags = SS_DISABLE};

HIDDEN int __wrap_sigaltstack(const stack_t *stack, stack_t *old)
{
    stack_t before = signal_stack;
    if (stack && stack->ss_flags & ~SS_DISABLE) {
        errno = EINVAL;
        return -1;
    }
    if (stack && !(stack->ss_flags & SS_DISABLE) &&
        stack->ss_size < (size_t)sysconf(_SC_MINSIGSTKSZ)) {
        errno = ENOMEM;
        return -1;
    }
    if (stack)
        signal_stack = *stack;
    if (old)
        *old = before;
    return 0;
}

/* libc makes a thread for each notification, with its own stack and the rights of whoever set it up
 * first. */
static void check(const struct sigevent *event, const char *function)
{
    if (event && event->sigev_notify == SIGEV_THREAD)
        ia2_die("compartment %s: %s with SIGEV_THREAD is not supported; use a signal, or a thread "
                "that waits",
                ia2_this_compartment.name, function);
}

int __real_timer_create(clockid_t, struct sigevent *, timer_t *);
HIDDEN int __wrap_timer_create(clockid_t clock, struct sigevent *event, timer_t *timer)
{
    check(event, "timer_create");
    return __real_timer_create(clock, event, timer);
}

int __real_mq_notify(mqd_t, const struct sigevent *);
HIDDEN int __wrap_mq_notify(mqd_t queue, const struct sigevent *event)
{
    check(event, "mq_notify");
    return __real_mq_notify(queue, event);
}

#define ASYNCHRONOUS(name, type) \
    int __real_##name(type *request); \
    HIDDEN int __wrap_##name(type *request) \
    { \
        check(&request->aio_sigevent, #name); \
        return __real_##name(request); \
    }
ASYNCHRONOUS(aio_read, struct aiocb)
ASYNCHRONOUS(aio_write, struct aiocb)
ASYNCHRONOUS(aio_read64, struct aiocb64)
ASYNCHRONOUS(aio_write64, struct aiocb64)

#define SYNCHRONIZED(name, type) \
    int __real_##name(int operation, type *request); \
    HIDDEN int __wrap_##name(int operation, type *request) \
    { \
        check(&request->aio_sigevent, #name); \
        return __real_##name(operation, request); \
    }
SYNCHRONIZED(aio_fsync, struct aiocb)
SYNCHRONIZED(aio_fsync64, struct aiocb64)

#define LISTED(name, type) \
    int __real_##name(int mode, type *const requests[], int count, struct sigevent *event); \
    HIDDEN int __wrap_##name(int mode, type *const requests[], int count, struct sigevent *event) \
    { \
        check(event, #name); \
        for (int i = 0; i < count; i++) \
            if (requests[i]) \
                check(&requests[i]->aio_sigevent, #name); \
        return __real_##name(mode, requests, count, event); \
    }
LISTED(lio_listio, struct aiocb)
LISTED(lio_listio64, struct aiocb64)

int __real_getaddrinfo_a(int, struct gaicb *[], int, struct sigevent *);
HIDDEN int __wrap_getaddrinfo_a(int mode, struct gaicb *requests[], int count,
                                struct sigevent *event)
{
    check(event, "getaddrinfo_a");
    return __real_getaddrinfo_a(mode, requests, count, event);
}
