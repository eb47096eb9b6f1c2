/* class: gates
 * source: a stack pointer of the attacker's choice
 * tries: to call a gate with RSP in the victim's object, so that the gate saves registers there
 * must: fault: the gate saves with the attacker's rights
 * expect: stopped */
#include "attack.h"

ATTACK
{
    register word top asm("r15") = (word)victim_object + 2048;
    asm volatile("mov %%rsp, %%r14; mov %0, %%rsp; call *%1; mov %%r14, %%rsp" ::"r"(top),
                 "r"(descriptor_of(victim_key)->stubs + (5 << IA2_STUB_SHIFT)), "D"(0), "S"(0)
                 : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r14", "memory");
}
