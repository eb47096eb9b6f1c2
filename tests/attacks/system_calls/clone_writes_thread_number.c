/* class: system_calls
 * source: clone(2) with CLONE_CHILD_SETTID, CLONE_PARENT_SETTID
 * tries: to have the kernel write a thread's number into the victim's object
 * must: not change the victim's object
 * expect: stopped */
#include "attack.h"

ATTACK
{
    long flags = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x1000000 | 0x100000;
    asm volatile("syscall; test %%rax, %%rax; jnz 1f; mov $60, %%eax; xor %%edi, %%edi; syscall; 1:"
                 : "+a"((long){SYS_clone})
                 : "D"(flags), "S"(shared_at(0xf000)), "d"(victim_object)
                 : "rcx", "r11", "memory");
    usleep(200000);
}
