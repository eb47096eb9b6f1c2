/* class: system_calls
 * source: munmap(2), mmap(2)
 * tries: to unmap the victim's object and to map other memory there
 * must: not change the victim's mappings
 * expect: stopped */
#include "attack.h"

ATTACK
{
    SYS(SYS_munmap, victim_object, 4096);
    SYS(SYS_mmap, victim_object, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    victim_object[0] = 0x41414141;
}
