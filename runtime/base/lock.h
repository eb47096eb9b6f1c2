/* The runtime's locks and their order.
 *
 * Each lock has a rank. A thread that holds a lock may take only locks of higher ranks, so no two
 * threads wait for each other. Builds with -Dbuildtype=debug check this at each lock and abort in
 * words. In other builds a lock is its mutex and nothing else.
 *
 * None of this is async-signal-safe. jemalloc has locks of its own, which come last: jemalloc calls
 * nothing of the runtime that takes a lock. */
#ifndef IA2_LOCK_H
#define IA2_LOCK_H

#include <pthread.h>

enum ia2_lock_rank {
    /* load/plugins.c: one plugin comes or goes at a time. Recursive: its constructors may load
     * another one. Everything else happens inside. */
    IA2_RANK_PLUGINS,
    /* In compartments. Several compartments may hold theirs at a time, during a fork: libc takes
     * them in the same order on each thread. */
    IA2_RANK_TYPES, /* compartment/type_registry.c */
    IA2_RANK_VALUES, /* compartment/libc/thread_values.c */
    IA2_RANK_LENT, /* compartment/heap/lent_blocks.c */
    IA2_RANK_STORAGE, /* memory/thread_storage.c */
    IA2_RANK_THREADS, /* threads/threads.c */
    IA2_RANK_EXIT, /* exit/table.c */
    IA2_RANK_MEMORY, /* memory/mappings.h */
    IA2_RANK_MAPPINGS, /* memory/mappings.c */
    IA2_RANK_OBJECTS, /* permissive/objects.c */
};

struct ia2_lock {
    pthread_mutex_t mutex;
    enum ia2_lock_rank rank;
};

#define IA2_LOCK(rank) {PTHREAD_MUTEX_INITIALIZER, rank}
#define IA2_RECURSIVE_LOCK(rank) {PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP, rank}

#if IA2_DEBUG
/* Aborts if the calling thread holds a lock of a higher rank, or another one of the same rank that
 * only the runtime has; and notes what it holds. */
void ia2_lock_taken(const struct ia2_lock *lock);
void ia2_lock_given(const struct ia2_lock *lock);
/* In a forked child: the thread holds none of this rank. */
void ia2_lock_made_again(const struct ia2_lock *lock);
#else
static inline void ia2_lock_taken(const struct ia2_lock *lock)
{
    (void)lock;
}
static inline void ia2_lock_given(const struct ia2_lock *lock)
{
    (void)lock;
}
static inline void ia2_lock_made_again(const struct ia2_lock *lock)
{
    (void)lock;
}
#endif

static inline void ia2_lock(struct ia2_lock *lock)
{
    ia2_lock_taken(lock); /* before it waits: a wrong order is said, not a deadlock */
    pthread_mutex_lock(&lock->mutex);
}

static inline void ia2_unlock(struct ia2_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
    ia2_lock_given(lock);
}

/* In a forked child, which has the parent's locks as they were: makes a lock free. */
static inline void ia2_lock_renew(struct ia2_lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
    ia2_lock_made_again(lock);
}

#endif
