/* class: interface
 * source: tsearch(3): a callback that the victim forwards to libc
 * tries: to have the payload called by libc in the victim
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_tsearch((long *)shared_at(0x4000), 4,
                   (int (*)(const void *, const void *))(word)payload);
}
