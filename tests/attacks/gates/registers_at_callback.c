/* class: gates
 * source: System V ABI, callee-saved registers
 * tries: to find the secret in a register when the victim calls the attacker back
 * must: find none
 * expect: stopped */
#include "attack.h"

static char area[8192] __attribute__((aligned(64)));

static long look(long value)
{
    word left[6];
    asm volatile("mov %%rbx, 0(%0); mov %%rbp, 8(%0); mov %%r12, 16(%0); mov %%r13, 24(%0);"
                 "mov %%r14, 32(%0); mov %%r15, 40(%0)" ::"r"(left)
                 : "memory");
    asm volatile("xsave (%0)" ::"r"(area), "a"(-1), "d"(-1) : "memory");
    for (int i = 0; i < 6; i++)
        if (!memcmp(&left[i], "SEKRIT", 6))
            leak(&left[i]);
    for (int i = 160; i < 4096; i += 8)
        if (!memcmp(area + i, "SEKRIT", 6))
            leak(area + i);
    return value;
}

ATTACK
{
    hook = look;
    victim_back_registers(own_callback(), 1);
}
