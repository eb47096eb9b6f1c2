/* class: signals
 * source: the threat model's "signal frames"
 * tries: to have a second thread set PKRU in the kernel's frame while a handler runs
 * must: go back with the PKRU that was interrupted
 * expect: stopped */
#include "attack.h"

static ucontext_t *volatile frame;
static volatile int done;

static void *edit(void *unused)
{
    while (!frame)
        ;
    *saved_pkru(frame) = 0;
    done = 1;
    return unused;
}

static void wait_for_edit(int number, siginfo_t *info, void *context)
{
    frame = context;
    while (!done)
        ;
}

ATTACK
{
    on_signal(SIGUSR1, wait_for_edit);
    thread(edit, NULL);
    raise(SIGUSR1);
    own();
}
