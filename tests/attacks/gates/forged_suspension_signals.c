/* class: gates
 * source: signals at each instruction of a gate
 * tries: the same as forged_suspension_step, by signals that a second thread sends at a high rate
 * must: never run a handler with a PKRU that is no compartment's
 * expect: stopped */
#include "attack.h"

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
    *suspended_word(own_key) = ((word)__builtin_frame_address(0) - 65536) & -64ul;
    jump_with(&(struct registers){0}, wrpkru_of(victim_key, 0));
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
