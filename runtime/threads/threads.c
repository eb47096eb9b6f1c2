#define _GNU_SOURCE
#include "threads/threads.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/die.h"
#include "ia2.h"
#include "memory/shared_stack.h"
#include "memory/stacks.h"
#include "memory/thread_storage.h"
#include "state/rights.h"
#include "state/state.h"
#include "threads/rseq.h"

/* A hint, which every compartment can write; the records say what is true. */
static _Atomic uint8_t slot_taken[IA2_SLOT_COUNT] = {[0] = 1, [1] = 1};
static pthread_key_t end_key;
/* Threads that have not come to their end: a hint too. */
static _Atomic unsigned live = 1;

/* Of each slot, a robust mutex that a thread locks as it ends and never gives back: the kernel does
 * so when the thread is gone, and wakes who waits. (A count that the threads themselves count down
 * would not do: the last code of a thread is libc's.) Hints as well. */
static pthread_mutex_t gone[IA2_SLOT_COUNT];
static _Atomic uint8_t gone_made[IA2_SLOT_COUNT], gone_held[IA2_SLOT_COUNT];

static uint32_t take_slot(void)
{
    static _Atomic uint32_t hint = 2;
    uint32_t from = atomic_load_explicit(&hint, memory_order_relaxed) & IA2_SLOT_MASK;
    for (uint32_t i = 0; i < IA2_SLOT_COUNT; i++) {
        uint32_t slot = (from + i) & IA2_SLOT_MASK;
        uint8_t free = 0;
        if (slot >= 2 && atomic_compare_exchange_strong(&slot_taken[slot], &free, 1)) {
            if (ia2_state.thread[slot].state == IA2_SLOT_FREE) {
                atomic_store_explicit(&hint, slot + 1, memory_order_relaxed);
                return slot;
            }
            atomic_store(&slot_taken[slot], 0);
        }
    }
    return 0;
}

static void free_slot(uint32_t slot)
{
    static const struct ia2_thread_record none;
    ia2_state_write(&ia2_state.thread[slot], &none, sizeof(none));
    if (slot != 1) /* the loader's stack and storage are never another thread's */
        atomic_store(&slot_taken[slot], 0);
}

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

/* pthread_key destructor: libc calls it on the thread's first stack after the start routine is done
 * and thread-local destructors have run. Compartments keep their own thread-specific values (under
 * their keys) and run their own destructors; after the last round nothing of theirs runs on this
 * thread any more. */
static void end_thread(void *unused)
{
    (void)unused;
    sigset_t all;
    sigfillset(&all);
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
    char *fsbase = (char *)record->fsbase;
    int last = atomic_fetch_sub(&live, 1) == 1;
    if (last)
        wait_for_ending_threads();
    if (last || slot == 1)
        return;
    /* A handler would find neither its compartment's storage nor its stack. */
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    IA2_STATE_SET(ia2_state.thread[slot].state, (uint32_t)IA2_SLOT_QUIET);
    /* Small storage costs its compartment less than the kernel. */
    uint32_t emptied = ia2_thread_storage_fill(slot, 4 * IA2_PAGE);
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    ia2_shared_end();
    ia2_slot = 0;
    lock_gone(slot);
    gone_held[slot] = 1;
    ia2_thread_storage_lock();
    if (ia2_tls_set_keys(fsbase, 1, emptied))
        ia2_die("cannot take thread-local storage back from a thread that ends");
    free_slot(slot);
    ia2_thread_storage_unlock();
}

void *ia2_thread_first_frame(void *arg)
{
    uint32_t slot = (uint32_t)(uintptr_t)arg & IA2_SLOT_MASK;
    struct ia2_thread_record record = ia2_state.thread[slot];
    if (record.state != IA2_SLOT_STARTING)
        ia2_die("a thread starts that no compartment created");
    char *high = (char *)(((uintptr_t)__builtin_frame_address(0) & -IA2_PAGE) - IA2_FIRST_STACK);
    int r = ia2_stacks_lay(high, record.zone_size, 0, &record);
    record.fsbase = ia2_fs_base();
    record.tid = (uint64_t)gettid();
    record.state = IA2_SLOT_QUIET;
    ia2_slot = slot;
    ia2_rseq_end();
    pthread_setspecific(end_key, &end_key);
    ia2_keep_key0();
    ia2_thread_storage_lock();
    /* Before its storage gets its keys: a child that is forked now must be able to take them off
     * again. */
    ia2_state_write(&ia2_state.thread[slot], &record, sizeof(record));
    if (!r)
        r = ia2_tls_set_keys((char *)record.fsbase, 0, 0);
    if (r)
        ia2_die("cannot give a thread its stacks (%s)", strerrorname_np(-r));
    /* libc has set it, where everybody could write it afterwards. */
    ia2_thread_storage_fill(slot, SIZE_MAX);
    ia2_thread_storage_unlock();
    IA2_STATE_SET(ia2_state.thread[slot].state, (uint32_t)IA2_SLOT_LIVE);
    sigset_t mask;
    sigemptyset(&mask);
    memcpy(&mask, &record.signal_mask, sizeof(record.signal_mask));
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return ia2_state.module[record.start_owner].descriptor->thread();
}

void ia2_threads_forked(void)
{
    uint32_t own = ia2_slot & IA2_SLOT_MASK;
    for (uint32_t slot = 1; slot < IA2_SLOT_COUNT; slot++) {
        const struct ia2_thread_record *record = &ia2_state.thread[slot];
        gone_made[slot] = gone_held[slot] = 0; /* their owners are the parent's threads */
        if (slot == own || record->state == IA2_SLOT_FREE)
            continue;
        for (uint32_t key = 1; record->state >= IA2_SLOT_QUIET && key <= ia2_state.count; key++)
            ia2_stack_empty(record, key);
        if (record->state >= IA2_SLOT_QUIET && slot != 1 &&
            ia2_tls_set_keys((char *)record->fsbase, 1, 0))
            ia2_die("fork: cannot take back the thread-local storage of a thread that the child "
                    "does not have");
        free_slot(slot);
    }
    live = 1;
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
    IA2_STATE_SET(ia2_state.static_tls,
                  minimum ? (minimum(&any) + 2 * IA2_PAGE - 1) & -IA2_PAGE : 2 * IA2_PAGE);
    pthread_attr_destroy(&any);
    if (pthread_key_create(&end_key, end_thread))
        ia2_die("no thread-specific key left for the runtime");
    pthread_setspecific(end_key, &end_key);
}

/* An attribute object like \a from, whose stack is libc's to allocate. */
static int copy_attributes(pthread_attr_t *to, const pthread_attr_t *from)
{
    int value;
    struct sched_param param;
    cpu_set_t cpus;
    int r = pthread_attr_init(to);
    if (r || !from)
        return r;
    if (!pthread_attr_getdetachstate(from, &value))
        pthread_attr_setdetachstate(to, value);
    if (!pthread_attr_getschedpolicy(from, &value))
        pthread_attr_setschedpolicy(to, value);
    if (!pthread_attr_getschedparam(from, &param))
        pthread_attr_setschedparam(to, &param);
    if (!pthread_attr_getinheritsched(from, &value))
        pthread_attr_setinheritsched(to, value);
    if (!pthread_attr_getscope(from, &value))
        pthread_attr_setscope(to, value);
    if (!pthread_attr_getaffinity_np(from, sizeof(cpus), &cpus) && CPU_COUNT(&cpus) != CPU_SETSIZE)
        pthread_attr_setaffinity_np(to, sizeof(cpus), &cpus);
    return 0;
}

/* libc keeps what the thread is to begin with in its descriptor, under key 0, and the thread
 * inherits the rights of whoever makes the system call. So the call is made with key 0 alone.
 * Returns an errno (below IA2_PAGE), or the thread with its id in *thread. */
static int create_with_key_0(int owner, pthread_t *thread, const pthread_attr_t *attr,
                             uint32_t slot)
{
    pthread_attr_t *shared = ia2_shared_push(sizeof(*shared), _Alignof(pthread_attr_t));
    *shared = *attr;
    pthread_t made = ia2_state.module[owner].descriptor->key0_thread_create(shared, slot);
    ia2_shared_pop(&shared);
    if (made < IA2_PAGE)
        return (int)made;
    *thread = made;
    return 0;
}

int ia2_thread_create(int owner, pthread_t *thread, const pthread_attr_t *attr,
                      void *(*start)(void *), void *arg)
{
    if (!ia2_state.ready)
        ia2_die("a constructor starts a thread before main: there are no compartments yet");
    if (owner != ia2_current_compartment())
        ia2_die("compartment %d starts a thread in the name of compartment %d",
                ia2_current_compartment(), owner);
    pthread_attr_t own;
    size_t zone = 0;
    int r = copy_attributes(&own, attr);
    if (r)
        return r;
    pthread_attr_getstacksize(attr ? attr : &own, &zone);
    zone = (zone + IA2_PAGE - 1) & -IA2_PAGE;
    size_t tls = ia2_state.static_tls;
    for (uint32_t key = 1; key <= ia2_state.count; key++)
        if ((size_t)-ia2_state.module[key].tls_offset + 2 * IA2_PAGE > tls)
            tls = (size_t)-ia2_state.module[key].tls_offset + 2 * IA2_PAGE;
    r = pthread_attr_setstacksize(&own,
                                  ia2_stacks_size(zone) + IA2_FIRST_STACK + tls + 16 * IA2_PAGE);
    /* The thread begins with all signals blocked: until it has its stacks no handler could run. */
    sigset_t all, mask;
    sigfillset(&all);
    if (!attr || pthread_attr_getsigmask_np(attr, &mask))
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (!r)
        r = pthread_attr_setsigmask_np(&own, &all);
    uint32_t slot = r ? 0 : take_slot();
    if (slot) {
        struct ia2_thread_record record = {.state = IA2_SLOT_STARTING,
                                           .start_owner = (uint32_t)owner,
                                           .start = start,
                                           .start_arg = arg,
                                           .zone_size = zone};
        memcpy(&record.signal_mask, &mask, sizeof(record.signal_mask));
        ia2_state_write(&ia2_state.thread[slot], &record, sizeof(record));
        make_gone(slot);
        atomic_fetch_add(&live, 1);
        r = create_with_key_0(owner, thread, &own, slot);
        if (r) {
            atomic_fetch_sub(&live, 1);
            free_slot(slot);
        }
    } else if (!r) {
        r = EAGAIN;
    }
    pthread_attr_destroy(&own);
    return r;
}
