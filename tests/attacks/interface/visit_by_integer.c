/* class: interface
 * source: twalk(3): a callback that came as an integer
 * tries: to have the payload called by libc in the victim
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_walk_by((word)payload);
}
