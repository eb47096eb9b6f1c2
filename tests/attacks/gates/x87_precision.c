/* class: gates
 * source: System V ABI 3.2.1: the x87 control word is callee-saved
 * tries: to have the victim compute in single precision
 * must: not change what the victim computes
 * expect: stopped */
#include "attack.h"

ATTACK
{
    unsigned short usual = 0x37f, single = 0x07f;
    long before = victim_call(COUNT_TO, 100, 0);
    asm volatile("fldcw %0" ::"m"(single));
    long after = victim_call(COUNT_TO, 100, 0);
    asm volatile("fldcw %0" ::"m"(usual));
    if (before != after)
        effect("the victim computes with the attacker's x87 control word");
}
