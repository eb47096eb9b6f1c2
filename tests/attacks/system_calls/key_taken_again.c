/* class: system_calls
 * source: pkey_free(2): a key that is free is given to the next who asks, its pages keep it
 * tries: to free the victim's key and to get it with rights from pkey_alloc
 * must: fail
 * expect: stopped */
#include "attack.h"

ATTACK
{
    SYS(SYS_pkey_free, victim_key);
    for (int i = 0; i < 16; i++) {
        long key = SYS(SYS_pkey_alloc, 0, 0);
        if (key == victim_key)
            own();
        if (FAILED(key))
            break;
    }
}
