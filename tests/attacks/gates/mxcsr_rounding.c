/* class: gates
 * source: System V ABI 3.2.1: MXCSR's control bits are callee-saved
 * tries: to have the victim round towards zero
 * must: not change what the victim computes
 * expect: stopped */
#include "attack.h"

ATTACK
{
    unsigned usual = 0x1f80, to_zero = 0x1f80 | 0x6000;
    long before = victim_call(DIVIDE, 1, 10);
    asm volatile("ldmxcsr %0" ::"m"(to_zero));
    long after = victim_call(DIVIDE, 1, 10);
    asm volatile("ldmxcsr %0" ::"m"(usual));
    if (before != after)
        effect("the victim rounds as the attacker set it");
}
