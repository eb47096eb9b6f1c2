/* class: interface
 * source: "Stack Clash" (Qualys 2017)
 * tries: to have the victim recurse through the end of its stack
 * must: fault at the guard page
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_call(RECURSE, 100000, 0);
}
