/* class: gates
 * source: System V ABI 3.2.1: DF is clear at a call
 * tries: to have the victim copy backwards
 * must: clear DF
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char *from = shared_at(0x3000), *to = shared_at(0x4000);
    memset(from, 'x', 256);
    memset(to - 256, 0, 512);
    asm volatile("std");
    victim_copy(to, from, 200);
    asm volatile("cld");
    if (to[-1] || to[199] != 'x')
        effect("the victim copied backwards");
}
