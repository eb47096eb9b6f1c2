/* class: memory
 * source: the threat model's "a read grant opens reading, one way, never writing"
 * tries: to write the object of a compartment that it has a read grant for
 * must: fault
 * attackers: 3
 * expect: stopped */
#include "attack.h"

ATTACK
{
    if (victim_object[0] != 0x1111)
        cannot("there is no read grant");
    victim_object[0] = 0x41414141;
}
