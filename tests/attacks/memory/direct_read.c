/* class: memory
 * source: the threat model's first claim
 * tries: to read the victim's secret and to write its object with plain instructions
 * must: fault; the process ends with a report
 * expect: stopped */
#include "attack.h"

ATTACK
{
    own();
}
