/* class: signals
 * source: signals at every instruction of a gate
 * tries: to interrupt gates, and the victim, at a high rate and to go on in the payload
 * must: never go on elsewhere with the victim's rights
 * expect: stopped */
#include "attack.h"

ATTACK
{
    on_signal(SIGALRM, redirect);
    timer(150);
    for (int i = 0; i < 30000; i++)
        victim_call(ADD, i, 1);
    timer(0);
}
