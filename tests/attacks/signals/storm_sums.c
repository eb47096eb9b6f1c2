/* class: signals
 * source: signals at every instruction of a gate
 * tries: to confuse gates by a timer at a high rate: results, stacks, handlers
 * must: have no effect
 * expect: stopped */
#include "attack.h"

ATTACK
{
    on_signal(SIGALRM, quiet_handler);
    timer(150);
    for (int i = 0; i < 8000; i++)
        if (victim_call(ADD, i, 1) != i + 1)
            effect("a sum of the victim's is wrong");
    timer(0);
}
