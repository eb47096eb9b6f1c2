#define _GNU_SOURCE
#include "threads/threads.h"
#include "state/system_calls.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/die.h"
#include "base/lock.h"
#include "memory/stacks.h"
#include "memory/thread_storage.h"
#include "state/addresses.h"
#include "state/monitor.h"
#include "state/rights.h"
#include "state/signal_frame.h"
#include "threads/begin_end.h"
#include "threads/turn.h"

static pthread_key_t end_key;
/* Threads that have not come to their end: a hint too. */
static _Atomic unsigned live = 1;

/* Of each slot, a robust mutex that a thread locks as it ends and never gives back: the kernel does
 * so when the thread is gone, and wakes who waits. (A count that the threads themselves count down
 * would not do: the last code of a thread is libc's.) Hints as well. */
static pthread_mutex_t gone[IA2_SLOT_COUNT];
static _Atomic uint8_t gone_made[IA2_SLOT_COUNT], gone_held[IA2_SLOT_COUNT];

static void make_gone(uint32_t slot)
{
    pthread_mutexattr_t robust;
    if (gone_made[slot])
        return;
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&gone[slot], &robust);
    pthread_mutexattr_destroy(&robust);
    gone_made[slot] = 1;
}

/* Waits until the thread that ended in this slot last is gone. */
static void lock_gone(uint32_t slot)
{
    if (pthread_mutex_lock(&gone[slot]) == EOWNERDEAD)
        pthread_mutex_consistent(&gone[slot]);
}

/* With its last thread libc ends the process, on that thread: it must still have its stacks. Which
 * is the last libc decides after end_thread, so the others have to be gone by then. */
static void wait_for_ending_threads(void)
{
    for (uint32_t slot = 2; slot < IA2_SLOT_COUNT; slot++)
        if (gone_held[slot]) {
            lock_gone(slot);
            gone_held[slot] = 0;
            pthread_mutex_unlock(&gone[slot]);
        }
}

/* ---- in the monitor ------------------------------------------------------------------------- */

/* Whether the thread that had this slot is gone, and libc with it. */
static int is_vacant(const struct ia2_thread_record *record)
{
    return record->state == IA2_SLOT_ENDED && record->released &&
           ia2_sys(SYS_tgkill, getpid(), (long)record->tid, 0, 0, 0) == -ESRCH;
}

static int fits(const struct ia2_thread_record *record, size_t zone, size_t first)
{
    return record->region_high && record->zone_size == zone &&
           record->region_high - record->first_low == first;
}

/* A slot with a region of this size, if there is one; else one without a thread. 0: all have
 * threads. */
static uint32_t find_slot(size_t zone, size_t first)
{
    uint32_t found = 0;
    for (uint32_t slot = 2; slot < ia2_state.slots_used; slot++) {
        const struct ia2_thread_record *record = &ia2_state.thread[slot];
        if (record->state != IA2_SLOT_FREE && !is_vacant(record))
            continue;
        if (fits(record, zone, first))
            return slot;
        if (!found || !record->region_high)
            found = slot;
    }
    if ((found && !ia2_state.thread[found].region_high) || ia2_state.slots_used == IA2_SLOT_COUNT)
        return found;
    return ia2_state.slots_used++;
}

/* What libc gets as the thread's stack: static TLS lies on it too. */
static size_t first_stack_size(void)
{
    size_t tls = ia2_state.static_tls;
    for (uint32_t key = 1; key <= ia2_state.count; key++)
        if ((size_t)-ia2_state.module[key].tls_offset + 2 * IA2_PAGE > tls)
            tls = (size_t)-ia2_state.module[key].tls_offset + 2 * IA2_PAGE;
    return (IA2_FIRST_STACK + tls + 17 * IA2_PAGE - 1) & -IA2_PAGE;
}

long ia2_thread_prepare(long given, long unused1, long unused2, long unused3, int caller)
{
    (void)unused1, (void)unused2, (void)unused3;
    struct ia2_thread_wish wish;
    ia2_monitor_copy_in(caller, &wish, (const void *)given, sizeof(wish));
    if (wish.zone_size > 1ul << 40)
        return -EINVAL;
    size_t zone = (wish.zone_size + IA2_PAGE - 1) & -IA2_PAGE, first = first_stack_size();
    ia2_lock(&ia2_state.thread_lock);
    uint32_t slot = find_slot(zone, first);
    struct ia2_thread_record *record = &ia2_state.thread[slot];
    int r = slot ? 0 : -EAGAIN;
    if (!r && !fits(record, zone, first)) {
        if (record->region_high)
            ia2_stacks_unmap(record);
        *record = (struct ia2_thread_record){.state = IA2_SLOT_FREE};
        r = ia2_stacks_map(zone, first, record);
        if (!r && (r = ia2_frame_prepare(slot)))
            ia2_stacks_unmap(record);
    }
    if (!r) {
        record->tid = 0;
        record->start_owner = (uint32_t)caller;
        record->start = wish.start;
        record->start_arg = wish.start_arg;
        record->signal_mask = wish.signal_mask & ~(1ul << (SIGSYS - 1));
        record->ended_fsbase = 0;
        record->more_low = record->more_high = 0;
        record->released = wish.detached != 0;
        ia2_state.wish[slot] = wish;
        record->state = IA2_SLOT_STARTING;
    }
    ia2_unlock(&ia2_state.thread_lock);
    return r ? r : (long)slot;
}

long ia2_thread_abandon(long slot, long unused1, long unused2, long unused3, int caller)
{
    (void)unused1, (void)unused2, (void)unused3;
    struct ia2_thread_record *record = &ia2_state.thread[slot & IA2_SLOT_MASK];
    ia2_lock(&ia2_state.thread_lock);
    if (record->state == IA2_SLOT_STARTING && (int)record->start_owner == caller)
        record->state = IA2_SLOT_FREE;
    ia2_unlock(&ia2_state.thread_lock);
    return 0;
}

static long change_state(enum ia2_slot_state from, enum ia2_slot_state to)
{
    struct ia2_thread_record *record = ia2_own_record();
    if (record->state != from)
        ia2_die("a thread begins or ends twice");
    record->state = to;
    return 0;
}

long ia2_thread_live(long unused1, long unused2, long unused3, long unused4, int caller)
{
    (void)unused1, (void)unused2, (void)unused3, (void)unused4, (void)caller;
    return change_state(IA2_SLOT_QUIET, IA2_SLOT_LIVE);
}

long ia2_thread_quiet(long unused1, long unused2, long unused3, long unused4, int caller)
{
    (void)unused1, (void)unused2, (void)unused3, (void)unused4, (void)caller;
    return change_state(IA2_SLOT_LIVE, IA2_SLOT_QUIET);
}

/* A pthread_t is the address of the thread's descriptor, which lies on what libc got as its stack.
 */
long ia2_thread_released(long thread, long unused1, long unused2, long unused3, int caller)
{
    (void)unused1, (void)unused2, (void)unused3, (void)caller;
    for (uint32_t slot = 2; slot < ia2_state.slots_used; slot++) {
        struct ia2_thread_record *record = &ia2_state.thread[slot];
        if ((uint64_t)thread - record->first_low < record->region_high - record->first_low) {
            record->released = 1;
            break;
        }
    }
    return 0;
}

long ia2_threads_forked(long unused1, long unused2, long unused3, long unused4, int caller)
{
    (void)unused1, (void)unused2, (void)unused3, (void)unused4, (void)caller;
    struct ia2_thread_record *own = (struct ia2_thread_record *)ia2_this_thread();
    ia2_lock_renew(&ia2_state.thread_lock);
    ia2_lock_renew(&ia2_state.exit_lock);
    ia2_lock_renew(&ia2_state.memory_lock);
    ia2_lock_renew(&ia2_state.mapping_lock);
    memset(ia2_state.held, 0, sizeof(ia2_state.held));
    for (uint32_t slot = 1; slot < ia2_state.slots_used; slot++) {
        struct ia2_thread_record *record = &ia2_state.thread[slot];
        if (record == own || record->state == IA2_SLOT_FREE)
            continue;
        if (ia2_has_storage(record) && slot != 1 && ia2_tls_set_keys((char *)record->fsbase, 1, 0))
            ia2_die("fork: cannot take back the thread-local storage of a thread that the child "
                    "does not have");
        ia2_stacks_empty(record);
        record->fsbase = record->tid = 0;
        record->state = slot == 1 ? IA2_SLOT_ENDED : IA2_SLOT_FREE;
    }
    if (own)
        own->tid = (uint64_t)gettid();
    return 0;
}

/* ---- with the rights of key 0 --------------------------------------------------------------- */

/* pthread_key destructor: libc calls it on the thread's first stack after the start routine is done
 * and thread-local destructors have run. Compartments keep their own thread-specific values (under
 * their keys) and run their own destructors; after the last round nothing of theirs runs on this
 * thread any more. */
static void end_thread(void *unused)
{
    (void)unused;
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSYS);
    for (int round = 0, more = 1; more && round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
        more = 0;
        for (uint32_t key = 1; key <= ia2_state.count; key++)
            if (ia2_state.module[key].descriptor)
                more |= ia2_state.module[key].descriptor->thread_end(round);
    }
    const struct ia2_thread_record *record = ia2_this_thread();
    if (!record)
        ia2_die("a thread ends whose FS base or slot is not its own");
    uint32_t slot = (uint32_t)(record - ia2_state.thread);
    int last = atomic_fetch_sub(&live, 1) == 1;
    if (last)
        wait_for_ending_threads();
    if (last || slot == 1)
        return;
    /* A handler would find neither its compartment's storage nor its stack. */
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    ia2_monitor(IA2_DO_THREAD_QUIET, 0, 0, 0, 0);
    /* Small storage costs its compartment less than the kernel. */
    uint32_t emptied = ia2_thread_storage_fill(slot, 4 * IA2_PAGE);
    lock_gone(slot);
    gone_held[slot] = 1;
    ia2_thread_storage_lock();
    ia2_thread_turn(0, slot, emptied);
    ia2_thread_storage_unlock();
}

void *ia2_thread_first_frame(void *arg)
{
    uint32_t slot = (uint32_t)(uintptr_t)arg & IA2_SLOT_MASK;
    ia2_slot = slot;
    pthread_setspecific(end_key, &end_key);
    ia2_keep_key0();
    ia2_thread_storage_lock();
    ia2_thread_turn(1, slot, 0);
    /* libc has set it, where everybody could write it afterwards. */
    ia2_thread_storage_fill(slot, SIZE_MAX);
    ia2_thread_storage_unlock();
    ia2_monitor(IA2_DO_THREAD_LIVE, 0, 0, 0, 0);
    const struct ia2_thread_record *record = &ia2_state.thread[slot];
    sigset_t mask;
    sigemptyset(&mask);
    memcpy(&mask, &record->signal_mask, sizeof(record->signal_mask));
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return ia2_state.module[record->start_owner].descriptor->thread();
}

/* libc keeps what the thread is to begin with in its descriptor, under key 0, and the thread
 * inherits the rights of whoever makes the system call. So the call is made with key 0 alone. What
 * the thread finds when it comes to the monitor does not depend on any of this. */
uintptr_t ia2_key0_thread_create(uint32_t slot)
{
    const struct ia2_thread_record *record = &ia2_state.thread[slot & IA2_SLOT_MASK];
    const struct ia2_thread_wish *wish = &ia2_state.wish[slot & IA2_SLOT_MASK];
    struct sched_param param = {.sched_priority = wish->priority};
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all;
    sigfillset(&all); /* until the thread has its stacks no handler could run */
    int r = pthread_attr_init(&attr);
    if (r)
        return (uintptr_t)r;
    pthread_attr_setdetachstate(&attr, wish->detached);
    pthread_attr_setschedpolicy(&attr, wish->policy);
    pthread_attr_setschedparam(&attr, &param);
    pthread_attr_setinheritsched(&attr, wish->inherits);
    pthread_attr_setscope(&attr, wish->scope);
    if (wish->has_cpus)
        pthread_attr_setaffinity_np(&attr, sizeof(wish->cpus), (const cpu_set_t *)wish->cpus);
    r = pthread_attr_setstack(&attr, (void *)record->first_low,
                              record->region_high - record->first_low);
    if (!r)
        r = pthread_attr_setsigmask_np(&attr, &all);
    if (!r)
        r = pthread_create(&thread, &attr, ia2_thread_first_frame, (void *)(uintptr_t)slot);
    pthread_attr_destroy(&attr);
    return r ? (uintptr_t)r : thread;
}

void ia2_threads_start(void)
{
    /* Static TLS lies on the same block as a stack, with what ld.so keeps free for DSOs that come
     * with dlopen (which only this function knows; it is there for the JVM). It is the same for all
     * threads. */
    size_t (*minimum)(const pthread_attr_t *) =
        (size_t (*)(const pthread_attr_t *))dlsym(RTLD_DEFAULT, "__pthread_get_minstack");
    pthread_attr_t any;
    pthread_attr_init(&any);
    ia2_state.static_tls = minimum ? (minimum(&any) + 2 * IA2_PAGE - 1) & -IA2_PAGE : 2 * IA2_PAGE;
    pthread_attr_destroy(&any);
    if (pthread_key_create(&end_key, end_thread))
        ia2_die("no thread-specific key left for the runtime");
    pthread_setspecific(end_key, &end_key);
}

/* ---- with the rights of a compartment ------------------------------------------------------- */

static void read_attributes(const pthread_attr_t *attr, struct ia2_thread_wish *wish)
{
    struct sched_param param;
    cpu_set_t *cpus = (cpu_set_t *)wish->cpus;
    size_t zone;
    pthread_attr_getstacksize(attr, &zone);
    pthread_attr_getdetachstate(attr, &wish->detached);
    pthread_attr_getschedpolicy(attr, &wish->policy);
    if (!pthread_attr_getschedparam(attr, &param))
        wish->priority = param.sched_priority;
    pthread_attr_getinheritsched(attr, &wish->inherits);
    pthread_attr_getscope(attr, &wish->scope);
    wish->has_cpus = !pthread_attr_getaffinity_np(attr, sizeof(wish->cpus), cpus) &&
                     CPU_COUNT(cpus) != CPU_SETSIZE;
    wish->zone_size = zone;
}

int ia2_thread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
                      void *arg)
{
    if (!ia2_state.ready)
        ia2_die("a constructor starts a thread before main: there are no compartments yet");
    struct ia2_thread_wish wish = {.start = start, .start_arg = arg};
    pthread_attr_t own;
    sigset_t mask;
    if (attr) {
        read_attributes(attr, &wish);
    } else {
        int r = pthread_attr_init(&own);
        if (r)
            return r;
        read_attributes(&own, &wish);
        pthread_attr_destroy(&own);
    }
    if (!attr || pthread_attr_getsigmask_np(attr, &mask))
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
    memcpy(&wish.signal_mask, &mask, sizeof(wish.signal_mask));
    long slot = ia2_monitor(IA2_DO_THREAD_PREPARE, (long)&wish, 0, 0, 0);
    if (slot < 0)
        return (int)-slot;
    make_gone((uint32_t)slot);
    atomic_fetch_add(&live, 1);
    uintptr_t made =
        ia2_state.module[ia2_current_compartment()].descriptor->key0_thread_create((uint32_t)slot);
    if (made >= IA2_PAGE) { /* no thread's address is that small */
        *thread = made;
        return 0;
    }
    atomic_fetch_sub(&live, 1);
    ia2_monitor(IA2_DO_THREAD_ABANDON, slot, 0, 0, 0);
    return (int)made;
}

void ia2_thread_release(pthread_t thread)
{
    ia2_monitor(IA2_DO_THREAD_RELEASE, (long)thread, 0, 0, 0);
}

void ia2_threads_only_one(void)
{
    memset(gone_made, 0, sizeof(gone_made)); /* their owners are the parent's threads */
    memset((void *)gone_held, 0, sizeof(gone_held));
    live = 1;
    ia2_monitor(IA2_DO_THREADS_FORKED, 0, 0, 0, 0);
}
