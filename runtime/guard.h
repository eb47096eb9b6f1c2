/* A call that survives a fault in what it calls. */
#ifndef IA2_GUARD_H
#define IA2_GUARD_H

#include <stddef.h>
#include <stdint.h>

struct ia2_guard {
    uint64_t stack; /* offset 0: x86_64/guard.S */
    struct ia2_guard *outer;
    uint64_t nobody_sp; /* where nobody was suspended */
    int fault; /* the signal, 0 if there was none */
    int compartment; /* that it hit, -1 if none */
};

enum { IA2_GUARD_RETURNED, IA2_GUARD_FAULTED, IA2_GUARD_STACK };

/* x86_64/guard.S. Calls \a function(\a index, \a status), as nobody; says how that ended.
 * IA2_GUARD_STACK: it came back on another stack. */
int ia2_guarded_call(struct ia2_guard *guard, void (*function)(size_t, int), size_t index,
                     int status);

/* x86_64/guard.S. Where a signal handler lets a thread go on whose stack pointer it set to
 * guard->stack. */
void ia2_guard_resume(void);

/* x86_64/guard.S. Calls \a function with every key open, where the state says so
 * (IA2_EXIT_OPEN_ALL); traps otherwise. */
void ia2_call_with_all_keys(size_t index, int status, void (*function)(size_t, int));

/* Faults that one compartment may have on one thread: each leaves it waiting for good, with another
 * signal zone for its frames, of which there are four. */
#define IA2_GUARD_FAULTS 3

/* exit_records.c, for the signal entry: the guard that takes fault \a number of compartment \a key
 * (-1: none, 0: nobody), or NULL. The compartment is then suspended where it is. */
const struct ia2_guard *ia2_guard_take(int number, int key);

#endif
