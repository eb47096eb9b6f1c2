/* class: interface
 * source: confused deputy (Hardy 1988)
 * tries: to have a function of the victim's copy its own secret to shared memory
 * must: be refused by a condition, which this victim does not have
 * expect: succeeds until it is addressed */
#include "attack.h"

ATTACK
{
    victim_copy(shared_at(0x3000), victim_secret, 16);
    leak(shared_at(0x3000));
}
