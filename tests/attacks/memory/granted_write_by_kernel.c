/* class: memory
 * source: the threat model's "a read grant opens reading, one way, never writing"
 * tries: to have read(2) and futex(2) write the object of a compartment that it has a read grant for
 * must: fail with EFAULT
 * attackers: 3
 * expect: stopped */
#include "attack.h"

ATTACK
{
    int ends[2];
    SYS(SYS_pipe, ends);
    SYS(SYS_write, ends[1], "AAAAAAAA", 8);
    SYS(SYS_read, ends[0], victim_object, 8);
    SYS(SYS_getrandom, victim_object, 8, 0);
}
