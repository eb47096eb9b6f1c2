/* class: state
 * source: signals at each instruction of the monitor's gate
 * tries: to enter the monitor with signals open, and to go on elsewhere with its rights from a handler
 * must: run no handler while the monitor is at work
 * expect: stopped */
#include "attack.h"
#include "state/monitor.h"

static volatile long target;

static void *spam(void *unused)
{
    long process = SYS(SYS_getpid);
    for (;;)
        SYS(SYS_tgkill, process, target, SIGUSR1);
    return unused;
}

static void try_once(void)
{
    target = SYS(SYS_gettid);
    thread(spam, NULL);
    while (signals_seen < 50)
        sched_yield();
    for (;;)
        descriptor_of(own_key)->monitor(IA2_DO_SHARED_STACK_GROW, 0, 0, 0, 0, 0);
}

ATTACK
{
    on_signal(SIGUSR1, redirect);
    for (int i = 0; i < 5; i++) {
        int status, child = fork();
        if (!child)
            try_once();
        waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
            break;
    }
}
