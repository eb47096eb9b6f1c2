#define _GNU_SOURCE
#include "base/lock.h"

#if IA2_DEBUG

#include "base/die.h"

/* The locks that this thread holds, in the order in which it took them. */
#define HELD 64
static __thread struct held {
    const struct ia2_lock *lock; /* may be in memory that the caller cannot read */
    enum ia2_lock_rank rank;
} held[HELD];
static __thread unsigned count;

static const char *const names[] = {
    [IA2_RANK_PLUGINS] = "plugins",        [IA2_RANK_TYPES] = "register of types",
    [IA2_RANK_VALUES] = "thread values",   [IA2_RANK_LENT] = "lent blocks",
    [IA2_RANK_STORAGE] = "thread storage", [IA2_RANK_THREADS] = "threads",
    [IA2_RANK_EXIT] = "exit records",      [IA2_RANK_OBJECTS] = "objects",
};

/* Each compartment has one of its own. */
static int is_of_compartments(enum ia2_lock_rank rank)
{
    return rank >= IA2_RANK_TYPES && rank <= IA2_RANK_LENT;
}

void ia2_lock_taken(const struct ia2_lock *lock)
{
    for (unsigned i = 0; i < count; i++)
        if (held[i].rank > lock->rank ||
            (held[i].rank == lock->rank && held[i].lock != lock && !is_of_compartments(lock->rank)))
            ia2_die("lock order: a thread takes the lock \"%s\" (rank %d) while it holds \"%s\" "
                    "(rank %d); take locks in the order of base/lock.h",
                    names[lock->rank], (int)lock->rank, names[held[i].rank], (int)held[i].rank);
    if (count == HELD)
        ia2_die("lock order: a thread holds %u locks", count);
    held[count++] = (struct held){lock, lock->rank};
}

void ia2_lock_given(const struct ia2_lock *lock)
{
    unsigned i = count;
    while (i && held[i - 1].lock != lock)
        i--;
    if (!i)
        ia2_die("lock order: a thread gives back the lock \"%s\", which it does not hold",
                names[lock->rank]);
    for (count--; i <= count; i++)
        held[i - 1] = held[i];
}

void ia2_lock_made_again(const struct ia2_lock *lock)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < count; i++)
        if (held[i].lock != lock)
            held[kept++] = held[i];
    count = kept;
}

#endif
