/* How the process ends, as this compartment sees it. libc gets a function of the runtime in place
 * of each exit function; what is to run, and where, is kept in the state, which no compartment can
 * write.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "compartment/compartment.h"
#include "exit/fini_array.h"
#include "exit/registering.h"
#include "exit/running.h"
#include "permissive/violation_log.h"
#include "state/rights.h"

#define HIDDEN __attribute__((visibility("hidden")))

extern void *__dso_handle __attribute__((visibility("hidden"))); /* crtbeginS.o */

static int add(enum ia2_exit_kind kind, void (*function)(void), void *argument, void *dso)
{
    return ia2_exit_register((int)ia2_this_compartment.id, kind, function, argument, dso);
}

HIDDEN int __wrap_atexit(void (*function)(void))
{
    return add(IA2_EXIT_ATEXIT, function, NULL, &__dso_handle);
}

HIDDEN int __wrap___cxa_atexit(void (*function)(void *), void *argument, void *dso)
{
    return add(IA2_EXIT_CXA, (void (*)(void))(void *)function, argument, dso);
}

HIDDEN int __wrap_on_exit(void (*function)(int, void *), void *argument)
{
    return add(IA2_EXIT_ON_EXIT, (void (*)(void))(void *)function, argument, NULL);
}

HIDDEN int __wrap_at_quick_exit(void (*function)(void))
{
    return add(IA2_EXIT_QUICK, function, NULL, NULL);
}

/* C has no syntax for this one; C++ and a few C libraries call it. */
HIDDEN int __wrap___cxa_thread_atexit_impl(void (*function)(void *), void *argument, void *dso)
{
    return add(IA2_EXIT_THREAD, (void (*)(void))(void *)function, argument, dso);
}

/* Its gate's target. */
void ia2_compartment_exit_call(size_t index, int status)
{
    ia2_exit_invoke(index, status, (int)ia2_this_compartment.id);
}

/* In place of DT_FINI_ARRAY and DT_FINI. The loader calls these with key 0. */
static void run_array(void)
{
    ia2_exit_run_array((int)ia2_this_compartment.id);
}

static void run_fini(void)
{
    ia2_exit_run_fini((int)ia2_this_compartment.id);
}

HIDDEN void (*const ia2_compartment_fini_entries[2])(void) = {run_array, run_fini};

/* ---- leaving -------------------------------------------------------------------------------- */

void __real_exit(int status) __attribute__((noreturn));
void __real_quick_exit(int status) __attribute__((noreturn));

/* Code with key 0 alone has no gate to itself: before main, and in an exit function of unknown
 * owner. */
static int is_here(void)
{
    return ia2_state.ready && ia2_current_compartment() == (int)ia2_this_compartment.id;
}

HIDDEN __attribute__((noreturn)) void __wrap_exit(int status)
{
    if (is_here())
        __ia2_key0_exit(status);
    __real_exit(status);
}

HIDDEN __attribute__((noreturn)) void __wrap_quick_exit(int status)
{
    ia2_permissive_exit(); /* no destructor does it */
    if (is_here())
        __ia2_key0_quick_exit(status);
    __real_quick_exit(status);
}

HIDDEN void ia2_safe_exit(int status)
{
    __wrap_exit(status);
}
