/* class: memory
 * source: the threat model's first claim
 * tries: to read what a call of the victim's left on its stack
 * must: fault
 * expect: stopped */
#include "attack.h"

ATTACK
{
    leak((char *)victim_call(STACK_SECRET_AT, 0, 0));
}
