/* class: gates
 * source: ERIM (Vahldiek-Oberwagner et al. 2019); code reuse into pkey_set
 * tries: to jump to the WRPKRU inside libc's pkey_set with EAX = 0
 * must: not open a key
 * expect: stopped */
#include "attack.h"

ATTACK
{
    word at = find_code("libc.so", "\x0f\x01\xef", 3);
    if (!at)
        return;
    asm volatile("call *%0" ::"r"(at), "a"(0), "c"(0), "d"(0) : "memory");
    own();
}
