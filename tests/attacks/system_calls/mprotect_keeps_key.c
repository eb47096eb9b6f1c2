/* class: system_calls
 * source: mprotect(2)
 * tries: to make the victim's pages writable by mprotect without a key
 * must: not change the key
 * expect: stopped */
#include "attack.h"

ATTACK
{
    SYS(SYS_mprotect, page_of(victim_secret), 4096, 3);
    own();
}
