/* class: gates
 * source: modify_ldt(2)
 * tries: to reach the secret through a data segment of its own
 * must: fault: keys are those of the page, whatever the segment
 * expect: stopped */
#include "attack.h"

ATTACK
{
    struct {
        unsigned entry, base, limit, bits;
    } wanted = {0, 0, 0xfffff, 0x51};
    SYS(SYS_modify_ldt, 1, &wanted, sizeof wanted);
    unsigned selector = 7;
    asm volatile("mov %0, %%gs" ::"r"(selector));
    char first;
    asm volatile("movb %%gs:(%1), %0" : "=q"(first) : "r"(victim_secret));
    char bytes[16] = {first};
    leak(bytes);
    own();
}
