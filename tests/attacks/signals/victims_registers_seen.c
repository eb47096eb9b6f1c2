/* class: signals
 * source: PKU Pitfalls, section 4.4
 * tries: to interrupt the victim by a timer and to read its registers in the frame
 * must: show a handler of another compartment no registers of the victim's
 * expect: stopped */
#include "attack.h"

static volatile int found;

static void look(int number, siginfo_t *info, void *context)
{
    if (!found)
        found = leak_frame(context);
}

ATTACK
{
    on_signal(SIGALRM, look);
    timer(2000);
    for (int i = 0; i < 60 && !found; i++)
        victim_call(SPIN, 2000000, 0);
    timer(0);
}
