/* libc functions that would call this compartment back, or leave it. libc gets a gate in place of
 * the function; the function itself is kept in this compartment's memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "permissive/let_through.h"
#include "signals/signals.h"
#include "base/die.h"
#include "base/log.h"
#include "state/rights.h"
#include "memory/own_memory.h"
#include "threads/threads.h"
#include "compartment/compartment.h"

#define HIDDEN __attribute__((visibility("hidden")))

HIDDEN int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                                 void *(*start)(void *), void *arg)
{
    return ia2_thread_create(thread, attr, start, arg);
}

/* When its descriptor is not needed any more, the thread's stacks may be another's. */
#define RELEASING(name, parameters, arguments) \
    int __real_##name parameters; \
    HIDDEN int __wrap_##name parameters \
    { \
        int r = __real_##name arguments; \
        if (!r && ia2_state.ready) \
            ia2_thread_release(thread); \
        return r; \
    }
RELEASING(pthread_join, (pthread_t thread, void **value), (thread, value))
RELEASING(pthread_tryjoin_np, (pthread_t thread, void **value), (thread, value))
RELEASING(pthread_timedjoin_np, (pthread_t thread, void **value, const struct timespec *until),
          (thread, value, until))
RELEASING(pthread_clockjoin_np,
          (pthread_t thread, void **value, clockid_t clock, const struct timespec *until),
          (thread, value, clock, until))
RELEASING(pthread_detach, (pthread_t thread), (thread))
RELEASING(thrd_join, (thrd_t thread, int *value), (thread, value))
RELEASING(thrd_detach, (thrd_t thread), (thread))

/* A new thread of this compartment; what it runs comes from its record, which no compartment can
 * write. */
void *ia2_compartment_thread(void)
{
    const struct ia2_thread_record *record = ia2_this_thread();
    if (!record || record->start_owner != ia2_this_compartment.id || record->state != IA2_SLOT_LIVE)
        ia2_die("compartment %s: a thread starts that it did not create",
                ia2_this_compartment.name);
    /* Once: whoever gives up his own rights may call this with key 0. */
    static __thread int started;
    if (started++)
        ia2_die("compartment %s: a thread starts twice", ia2_this_compartment.name);
    return record->start(record->start_arg);
}

/* libc cancels by a signal whose handler unwinds the interrupted stack, across compartments. */
HIDDEN int __wrap_pthread_cancel(pthread_t thread)
{
    (void)thread;
    ia2_die("compartment %s: pthread_cancel is not supported; let the thread end itself (a flag "
            "that it looks at)",
            ia2_this_compartment.name);
}

HIDDEN int __wrap_sigaction(int number, const struct sigaction *act, struct sigaction *old)
{
    if (!ia2_state.ready)
        ia2_die(
            "compartment %s: a constructor installs a signal handler before there are compartments",
            ia2_this_compartment.name);
    return ia2_signal_set(number, act, old);
}

/* BSD semantics, as glibc's signal() has without _XOPEN_SOURCE. */
HIDDEN sighandler_t __wrap_signal(int number, sighandler_t handler)
{
    struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    sigemptyset(&act.sa_mask);
    return __wrap_sigaction(number, &act, &old) ? SIG_ERR : old.sa_handler;
}

/* What signal() is without BSD semantics (_XOPEN_SOURCE, -std=c11). */
HIDDEN sighandler_t __wrap___sysv_signal(int number, sighandler_t handler)
{
    struct sigaction act = {.sa_handler = handler, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER)},
                     old;
    sigemptyset(&act.sa_mask);
    return __wrap_sigaction(number, &act, &old) ? SIG_ERR : old.sa_handler;
}

static void set_mask(uint64_t bits)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &bits, NULL, sizeof(bits));
}

/* Signals that the handler lets come are let come here: none may find the monitor at work, which
 * waits for this to return. */
int ia2_compartment_signal(int number, siginfo_t *info, void *context, uint64_t mask)
{
    struct ia2_signal action = ia2_state.signal[number % _NSIG];
    if (action.owner == ia2_this_compartment.id) {
        const struct sigaction dfl = {.sa_handler = SIG_DFL};
        if (ia2_permissive_catches(number) && action.flags & SA_RESETHAND)
            ia2_signal_set(number, &dfl, NULL); /* the kernel does not: signals.c */
        set_mask(mask);
        action.handler(number, info, context);
        set_mask(~0ul);
    }
    return 0;
}

/* ---- fork ----------------------------------------------------------------------------------- */

#define MAX_ATFORK 64
static struct {
    void (*prepare)(void), (*parent)(void), (*child)(void);
} at_fork[MAX_ATFORK];
static size_t at_fork_count;

int __real_pthread_atfork(void (*)(void), void (*)(void), void (*)(void));

HIDDEN int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    if (at_fork_count == MAX_ATFORK)
        return ENOMEM;
    if (at_fork_count == 0) {
        int r =
            __real_pthread_atfork(__ia2_atfork_prepare, __ia2_atfork_parent, __ia2_atfork_child);
        if (r)
            return r;
    }
    at_fork[at_fork_count].prepare = prepare;
    at_fork[at_fork_count].parent = parent;
    at_fork[at_fork_count++].child = child;
    return 0;
}

HIDDEN int ia2_heap_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    return __wrap_pthread_atfork(prepare, parent, child);
}

void ia2_compartment_atfork_prepare(void)
{
    for (size_t i = at_fork_count; i-- > 0;)
        if (at_fork[i].prepare)
            at_fork[i].prepare();
}

void ia2_compartment_atfork_parent(void)
{
    for (size_t i = 0; i < at_fork_count; i++)
        if (at_fork[i].parent)
            at_fork[i].parent();
}

void ia2_compartment_atfork_child(void)
{
    for (size_t i = 0; i < at_fork_count; i++)
        if (at_fork[i].child)
            at_fork[i].child();
}

/* ---- memory --------------------------------------------------------------------------------- */

/* Memory that a compartment maps for itself is its own. Shared and file mappings that are not
 * writable stay open: there is nothing in them that is not in the file. */
static int is_private_memory(int prot, int flags)
{
    return (flags & MAP_TYPE) == MAP_PRIVATE && (flags & MAP_ANONYMOUS || prot & PROT_WRITE);
}

void *__real_mmap(void *, size_t, int, int, int, off_t);

HIDDEN void *__wrap_mmap(void *hint, size_t size, int prot, int flags, int fd, off_t offset)
{
    /* Where system calls are contained, the monitor says why there is no such memory. */
    if (!ia2_state.ready || !is_private_memory(prot, flags) ||
        (ia2_state.contained && prot & PROT_EXEC))
        return __real_mmap(hint, size, prot, flags, fd, offset);
    void *p = ia2_memory_map(hint, size, prot, flags, fd, offset);
    if (p == MAP_FAILED && errno == EACCES && ia2_state.contained)
        ia2_say("denied: compartment %s may not call mmap(%p, %#zx, %#x, %#x): the memory is "
                "another's, or code",
                ia2_this_compartment.name, hint, size, (unsigned)prot, (unsigned)flags);
    return p;
}

HIDDEN void *__wrap_mmap64(void *hint, size_t size, int prot, int flags, int fd, off_t offset)
{
    return __wrap_mmap(hint, size, prot, flags, fd, offset);
}
