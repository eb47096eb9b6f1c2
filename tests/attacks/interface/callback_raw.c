/* class: interface
 * source: the threat model's "call what was not given to it"
 * tries: to give the address of its own code as a callback
 * must: end the process at the call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_back((callback *)(word)payload, 0);
}
