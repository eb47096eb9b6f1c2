/* class: gates
 * source: System V ABI 3.2.1: MXCSR's control bits are callee-saved
 * tries: to have the victim compute with unmasked exceptions, so that a division raises SIGFPE
 * must: not change the victim's MXCSR
 * expect: stopped */
#include "attack.h"

ATTACK
{
    unsigned usual = 0x1f80, unmasked = 0;
    asm volatile("ldmxcsr %0" ::"m"(unmasked));
    long modes = victim_call(MODES, 0, 0);
    asm volatile("ldmxcsr %0" ::"m"(usual));
    if ((modes & 0x1f80) != 0x1f80)
        effect("the victim computes with exceptions that the attacker unmasked");
}
