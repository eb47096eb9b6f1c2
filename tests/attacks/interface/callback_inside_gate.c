/* class: interface
 * source: jump into the middle of a gate
 * tries: to give an address inside a gate's stub as a callback
 * must: end the process at the call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_back((callback *)(descriptor_of(victim_key)->stubs + 6), 0);
}
