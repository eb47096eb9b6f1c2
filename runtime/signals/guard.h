/* A call that survives a fault in what it calls. */
#ifndef IA2_GUARD_H
#define IA2_GUARD_H

#include <stddef.h>
#include <stdint.h>

struct ia2_guard {
    uint64_t stack; /* the stack pointer of ia2_guarded_call */
    struct ia2_guard *outer;
    uint64_t key0_sp; /* where key 0 was suspended */
    int fault; /* the signal, 0 if there was none */
    int compartment; /* that it hit, -1 if none */
};

/* How ia2_guarded_call ended. IA2_GUARD_STACK: the function came back on another stack. */
enum { IA2_GUARD_RETURNED, IA2_GUARD_FAULTED, IA2_GUARD_STACK };

/* Calls \a function(\a index, \a status), with the rights of key 0. 1 if it faulted: \a own then
 * says how, and the compartment that faulted stays suspended where it is. With \a survives 0 a
 * fault ends the process, as without a guard. */
int ia2_guarded(struct ia2_guard *own, void (*function)(size_t, int), size_t index, int status,
                int survives);

/* For the signal entry, in the monitor: the guard of this thread that takes fault \a number of
 * compartment \a key
 * (-1: none, 0: key 0), or NULL. The compartment is suspended where it is. */
const struct ia2_guard *ia2_guard_take(int number, int key);

/* Whether compartment \a key, 1 or more, has had as many faults on this thread as it may. */
int ia2_guard_is_spent(int key);

/* guard.S, for guard.c: the call itself. */
int ia2_guarded_call(struct ia2_guard *guard, void (*function)(size_t, int), size_t index,
                     int status);

/* guard.S: where a signal handler lets a thread go on whose stack pointer it set to guard->stack.
 */
void ia2_guard_resume(void);

#endif
