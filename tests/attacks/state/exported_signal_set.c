/* class: state
 * source: what the runtime exports to its compartments
 * tries: to call ia2_signal_set in the middle of its checks' data: with an action that a second thread
 *   changes, so that the checked handler is not the one that is kept
 * must: decide on a copy
 * expect: stopped */
#include "attack.h"

static struct sigaction *volatile action;

static void *flip(void *unused)
{
    for (;;) {
        action->sa_sigaction = quiet_handler;
        action->sa_sigaction = (void (*)(int, siginfo_t *, void *))(word)payload;
        action->sa_flags ^= SA_SIGINFO;
    }
    return unused;
}

ATTACK
{
    action = (struct sigaction *)shared_at(0x2000);
    thread(flip, NULL);
    for (int i = 0; i < 300; i++) {
        sigaction(SIGUSR2, action, NULL);
        if (state()->signal[SIGUSR2].owner == (uint32_t)victim_key)
            effect("a handler is the victim's");
    }
}
