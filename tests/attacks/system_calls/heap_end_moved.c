/* class: system_calls
 * source: brk(2)
 * tries: to cut libc's heap below what the victim uses of it, and to put other memory there
 * must: have no effect on the victim
 * expect: stopped */
#include "attack.h"

ATTACK
{
    long end = SYS(SYS_brk, 0);
    SYS(SYS_brk, end - 4096);
    victim_call(OPEN_NULL, 1, 0);
}
