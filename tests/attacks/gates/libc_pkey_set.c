/* class: gates
 * source: PKU Pitfalls (Connor et al. 2020), section 4.1; pkey_set(3)
 * tries: to call libc's pkey_set for the victim's key
 * must: have no effect on PKRU
 * expect: stopped */
#include "attack.h"

ATTACK
{
    void *set = exported("pkey_set");
    asm volatile("call *%0" ::"r"(set), "D"((long)victim_key), "S"(0L)
                 : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
    own();
}
