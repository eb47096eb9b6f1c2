/* class: system_calls
 * source: PKU Pitfalls, section 4.1; madvise(2)
 * tries: to have the kernel throw the victim's object away
 * must: not change the victim's memory
 * expect: stopped */
#include "attack.h"

ATTACK
{
    SYS(SYS_madvise, victim_object, 4096, 4 /* MADV_DONTNEED */);
}
