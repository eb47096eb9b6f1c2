/* class: signals
 * source: signals within signals
 * tries: to exhaust the depths of interruption that the runtime keeps stacks for
 * must: end the process, or run all of them
 * expect: stopped */
#include "attack.h"

static void again(int number, siginfo_t *info, void *context)
{
    if (signals_seen++ < 12) {
        raise(SIGUSR1);
        victim_call(ADD, 1, 1);
    }
}

ATTACK
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = again;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 20; i++) {
        signals_seen = 0;
        raise(SIGUSR1);
    }
}
