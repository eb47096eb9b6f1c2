#define _GNU_SOURCE
#include "signals/guard.h"

#include "base/die.h"
#include "signals/interrupted.h"
#include "state/monitor.h"
#include "state/addresses.h"
#include "state/rights.h"
#include "state/state.h"

/* Faults that one compartment may have on one thread: each leaves it waiting for good, with another
 * part of its signal zone for its frames. */
#define FAULTS (IA2_SIGNAL_DEPTHS - 1)

static __thread struct ia2_guard *guard __attribute__((tls_model("initial-exec")));
static __thread uint8_t faults[IA2_MAX_COMPARTMENTS] __attribute__((tls_model("initial-exec")));

int ia2_guard_is_spent(int key)
{
    return faults[key] >= FAULTS;
}

const struct ia2_guard *ia2_guard_take(int number, int key)
{
    struct ia2_guard *taken = guard, copy;
    const struct ia2_thread_record *record = ia2_this_thread();
    if (!taken || !record || (key > 0 && ia2_guard_is_spent(key)))
        return NULL;
    /* Where it lies everybody could have written. */
    ia2_monitor_copy_in(0, &copy, taken, sizeof(copy));
    if (key > 0 && ia2_suspend(record, key))
        faults[key]++;
    *ia2_suspended_word(record, 0) = copy.key0_sp;
    copy.fault = number;
    copy.compartment = key;
    ia2_monitor_copy_out(0, taken, &copy, sizeof(copy));
    return taken;
}

int ia2_guarded(struct ia2_guard *own, void (*function)(size_t, int), size_t index, int status,
                int survives)
{
    const struct ia2_thread_record *record = ia2_this_thread();
    own->outer = guard;
    if (record)
        own->key0_sp = *ia2_suspended_word(record, 0);
    guard = survives ? own : NULL;
    int how = ia2_guarded_call(own, function, index, status);
    guard = own->outer;
    if (how == IA2_GUARD_STACK)
        ia2_die("an exit function came back on another stack");
    return how == IA2_GUARD_FAULTED;
}
