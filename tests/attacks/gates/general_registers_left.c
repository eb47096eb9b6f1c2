/* class: gates
 * source: System V ABI, caller-saved registers
 * tries: to find the secret in a general or vector register after a call of the victim
 * must: find none
 * expect: stopped */
#include "attack.h"

static char area[8192] __attribute__((aligned(64)));

ATTACK
{
    word left[10];
    victim_call(LEAVE_REGISTERS, 0, 0);
    asm volatile("mov %%rax, 0(%0); mov %%rcx, 8(%0); mov %%rdx, 16(%0); mov %%rsi, 24(%0);"
                 "mov %%rdi, 32(%0); mov %%r8, 40(%0); mov %%r9, 48(%0); mov %%r10, 56(%0);"
                 "mov %%r11, 64(%0); mov %%rbp, 72(%0)" ::"r"(left)
                 : "memory");
    asm volatile("xsave (%0)" ::"r"(area), "a"(-1), "d"(-1) : "memory");
    for (int i = 0; i < 10; i++)
        if (!memcmp(&left[i], "SEKRIT", 6))
            leak(&left[i]);
    for (int i = 160; i < 4096; i += 8)
        if (!memcmp(area + i, "SEKRIT", 6))
            leak(area + i);
}
