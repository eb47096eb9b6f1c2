/* class: system_calls
 * source: PKU Pitfalls, section 4.1; pkey_mprotect(2)
 * tries: to put key 0 on the victim's pages
 * must: fail
 * expect: stopped */
#include "attack.h"

ATTACK
{
    SYS(SYS_pkey_mprotect, page_of(victim_secret), 4096, 3, 0);
    SYS(SYS_pkey_mprotect, page_of(victim_object), 4096, 3, 0);
    own();
}
