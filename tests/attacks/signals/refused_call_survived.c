/* class: signals
 * source: a refused call ends in abort(3), which runs a handler
 * tries: to jump out of a SIGABRT handler and to go on after each refusal
 * must: end the process whatever handlers there are
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
    static volatile int tries;
    on_signal(SIGABRT, go_on);
    for (tries = 0; tries < 5; tries++)
        if (!sigsetjmp(again, 1))
            victim_back((callback *)(descriptor_of(victim_key)->stubs + 6), 0);
    effect("the process goes on after calls that were refused");
}
