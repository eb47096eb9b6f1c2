/* class: signals
 * source: SROP (Bosman and Bos 2014); rt_sigreturn(2)
 * tries: to return from a frame of its own making with PKRU 0
 * must: end the process
 * expect: stopped */
#include "attack.h"

static char memory[16384] __attribute__((aligned(64)));

ATTACK
{
    unsigned a, size, c, d, low, high;
    ucontext_t *context = (ucontext_t *)(memory + 64);
    char *area = memory + 4096;
    word *registers = (word *)context->uc_mcontext.gregs;
    asm("cpuid" : "=a"(a), "=b"(size), "=c"(c), "=d"(d) : "a"(0xd), "c"(0));
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    asm volatile("xsave (%0)" ::"r"(area), "a"(-1), "d"(0) : "memory");
    registers[REG_RIP] = (word)payload;
    registers[REG_RSP] = (word)memory + 15000;
    registers[REG_EFL] = 0x202;
    registers[REG_CSGSFS] = 0x002b000000000033ul;
    *(uint32_t *)(area + 464) = 0x46505853; /* FP_XSTATE_MAGIC1, sizes, the mask of XCR0 */
    *(uint32_t *)(area + 468) = size + 4;
    *(word *)(area + 472) = (word)high << 32 | low;
    *(uint32_t *)(area + 480) = size;
    *(uint32_t *)(area + size) = 0x46505845; /* FP_XSTATE_MAGIC2 */
    context->uc_mcontext.fpregs = (void *)area;
    *saved_pkru(context) = 0;
    context->uc_flags = 7;
    context->uc_stack.ss_flags = SS_DISABLE;
    asm volatile("mov %0, %%rsp; mov $15, %%eax; syscall" ::"r"(context));
}
