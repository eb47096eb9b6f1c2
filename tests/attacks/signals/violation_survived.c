/* class: signals
 * source: a violation is a SIGSEGV, which a handler may get
 * tries: to jump out of a SIGSEGV handler after a violation, to try again elsewhere
 * must: end the process
 * expect: stopped */
#include "attack.h"
#include <setjmp.h>

static sigjmp_buf again;

static void go_on(int number, siginfo_t *info, void *context)
{
    siglongjmp(again, 1);
}

ATTACK
{
    on_signal(SIGSEGV, go_on);
    on_signal(SIGABRT, go_on);
    if (!sigsetjmp(again, 1))
        own();
    effect("the process goes on after a violation");
}
