/* class: state
 * source: what the runtime exports to its compartments
 * tries: to call ia2_sys_protect, which puts a key on pages
 * must: not find it, or be refused
 * expect: stopped */
#include "attack.h"

ATTACK
{
    void *protect = exported("ia2_sys_protect");
    if (!protect)
        return;
    volatile word secret = page_of(victim_secret), object = page_of(victim_object);
    asm volatile("call *%0" ::"r"(protect), "D"(secret), "S"(4096L), "d"(3L), "c"(0L)
                 : "rax", "r8", "r9", "r10", "r11", "memory");
    asm volatile("call *%0" ::"r"(protect), "D"(object), "S"(4096L), "d"(3L), "c"(0L)
                 : "rax", "r8", "r9", "r10", "r11", "memory");
    own();
}
