/* class: memory
 * source: the threat model's first claim
 * tries: to read a block of the victim's heap
 * must: fault
 * expect: stopped */
#include "attack.h"

ATTACK
{
    leak((char *)victim_call(HEAP_SECRET_AT, 0, 0));
}
