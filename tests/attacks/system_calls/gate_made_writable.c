/* class: system_calls
 * source: mprotect(2)
 * tries: to make the gate by which the victim is entered writable, and to change it
 * must: not change the protection of code
 * expect: stopped */
#include "attack.h"

ATTACK
{
    word target = (word)payload;
    char *at = (char *)wrpkru_between(own_key, victim_key, 0) + 8;
    if (SYS(SYS_mprotect, page_of(at), 8192, 7))
        return;
    memcpy(at, "\x48\xb8", 2);
    memcpy(at + 2, &target, 8);
    memcpy(at + 10, "\xff\xe0", 2);
    victim_call(ADD, 1, 1);
}
