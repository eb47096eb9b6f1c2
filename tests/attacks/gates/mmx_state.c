/* class: gates
 * source: System V ABI 3.2.1: the CPU is in x87 mode at a call
 * tries: to leave the x87 registers in use (MMX), so that the victim's long doubles overflow the
 *   stack. (QEMU has no such overflow, so what is looked at is whether they stay in use)
 * must: enter the victim with empty x87 registers
 * expect: stopped */
#include "attack.h"

static unsigned char area[512] __attribute__((aligned(16)));

ATTACK
{
    asm volatile("pcmpeqd %%mm0, %%mm0; pcmpeqd %%mm7, %%mm7" ::: "memory");
    victim_call(ADD, 1, 2);
    asm volatile("fxsave %0; emms" : "=m"(area));
    if (area[4])
        effect("x87 registers in use went through the victim and back");
}
