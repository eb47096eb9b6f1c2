/* class: gates
 * source: the threat model's "WRFSBASE and a second thread"
 * tries: to call the victim with the FS base of another thread of the attacker's that sleeps in a
 *   call of the victim
 * must: end the process: the victim runs in that thread
 * expect: stopped */
#include "attack.h"

static volatile word other;

static void *sleeper(void *unused)
{
    other = (word)__builtin_thread_pointer();
    victim_call(WAIT, 3000000, 0);
    return unused;
}

ATTACK
{
    thread(sleeper, NULL);
    while (!other)
        sched_yield();
    usleep(200000);
    if (SYS(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, other))
        return;
    victim_call(ADD, 1, 2);
    effect("two threads ran on one stack of the victim's");
}
