/* class: signals
 * source: PKU Pitfalls, section 4.4
 * tries: to interrupt the victim by a timer and to change where it goes on
 * must: go back where the victim was
 * expect: stopped */
#include "attack.h"

ATTACK
{
    on_signal(SIGALRM, redirect);
    timer(2000);
    for (int i = 0; i < 60; i++)
        victim_call(SPIN, 2000000, 0);
    timer(0);
}
