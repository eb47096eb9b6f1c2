#define _GNU_SOURCE
#include "exit/registering.h"

#include <stdlib.h>

#include "exit/counters.h"
#include "exit/running.h"
#include "exit/table.h"
#include "state/state.h"

int __cxa_atexit(void (*)(void *), void *, void *);
int __cxa_at_quick_exit(void (*)(void *), void *);
int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);

static void run_cxa(void *index)
{
    ia2_exit_run_index((size_t)index, 0);
}

/* libc passes the status too, which no prototype says (stdlib/exit.c). */
static void run_cxa_status(void *index, int status)
{
    ia2_exit_run_index((size_t)index, status);
}

static void run_on_exit(int status, void *index)
{
    ia2_exit_run_index((size_t)index, status);
}

/* libc keeps no argument for these: the last one registered is next, as it is in libc's own list.
 */
static void run_quick(void *unused)
{
    (void)unused;
    size_t found = IA2_EXIT_RECORDS;
    for (size_t i = 0; i < ia2_exit_used_records(); i++) {
        const struct exit_record *r = &ia2_state.exit[i];
        if (r->kind == IA2_EXIT_QUICK && r->state == IA2_EXIT_ARMED &&
            (found == IA2_EXIT_RECORDS || r->sequence > ia2_state.exit[found].sequence))
            found = i;
    }
    if (found < IA2_EXIT_RECORDS)
        ia2_exit_run_index(found, 0);
}

int ia2_exit_register(int registrant, enum ia2_exit_kind kind, void (*function)(void),
                      void *argument, void *dso)
{
    int has_key = ia2_exit_has_key(registrant);
    uint32_t index = ia2_exit_add_record(registrant, kind, function, argument);
    if (index == IA2_EXIT_RECORDS)
        return -1;
    void *arg = (void *)(uintptr_t)index;
    /* libc runs what has a handle when that DSO's own destructors run, inside its compartment; not
     * what is not its. */
    if (has_key && ia2_state.exit[index].compartment_id < 0)
        dso = NULL;
    int r = -1;
    if (kind == IA2_EXIT_ATEXIT || kind == IA2_EXIT_CXA)
        r = __cxa_atexit((void (*)(void *))(void *)run_cxa_status, arg, dso);
    else if (kind == IA2_EXIT_ON_EXIT)
        r = on_exit(run_on_exit, arg);
    else if (kind == IA2_EXIT_QUICK)
        r = __cxa_at_quick_exit(run_quick, NULL);
    else if (kind == IA2_EXIT_THREAD)
        r = __cxa_thread_atexit_impl(run_cxa, arg, dso);
    if (r)
        ia2_exit_free_record(index);
    return r;
}

void ia2_exit_find_owners(int id)
{
    for (uint32_t i = 0; i < ia2_exit_used_records(); i++) {
        const struct exit_record *r = &ia2_state.exit[i];
        if (r->state == IA2_EXIT_ARMED && r->kind != IA2_EXIT_KEY &&
            (!id || r->registered_by == id))
            ia2_state.exit[i].compartment_id =
                (int32_t)ia2_exit_owner_of((const void *)r->function, r->registered_by);
    }
}

void ia2_exit_forget(int id)
{
    for (uint32_t i = 0; i < ia2_exit_used_records(); i++)
        if (ia2_state.exit[i].state != IA2_EXIT_FREE && ia2_state.exit[i].registered_by == id)
            ia2_exit_free_record(i);
}

void ia2_exit_start(void)
{
    ia2_exit_find_owners(0);
    if (ia2_state.exit_flags & IA2_EXIT_DIAG)
        at_quick_exit(ia2_exit_print_counters);
}
