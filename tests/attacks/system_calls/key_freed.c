/* class: system_calls
 * source: pkey_free(2): pkey_mprotect with a free key fails
 * tries: to have the victim's new memory stay under key 0
 * must: end the process, or give the victim no memory
 * expect: stopped */
#include "attack.h"

ATTACK
{
    SYS(SYS_pkey_free, victim_key);
    long page = victim_call(MAP, 0, 0);
    if (page > 0)
        leak((char *)page);
}
