/* class: signals
 * source: the runtime's own handler is an address like another
 * tries: to call it with a frame that says it interrupted the victim
 * must: not go on with the victim's rights
 * expect: stopped */
#include "attack.h"

ATTACK
{
    static siginfo_t info;
    static ucontext_t context;
    static char area[4096] __attribute__((aligned(64)));
    struct kernel_action action;
    on_signal(SIGUSR2, quiet_handler);
    SYS(SYS_rt_sigaction, SIGSEGV, 0, &action, 8);
    *(uint32_t *)(area + 464) = 0x46505853;
    *(word *)(area + 472) = 0x200;
    context.uc_mcontext.fpregs = (void *)area;
    *saved_pkru(&context) = pkru_of(victim_key);
    context.uc_mcontext.gregs[REG_RIP] = module_of(victim_key)->text.start + 16;
    info.si_code = 1;
    asm volatile("call *%0" ::"r"(action.handler), "D"((long)SIGUSR2), "S"(&info), "d"(&context)
                 : "rax", "rcx", "r8", "r9", "r10", "r11", "memory");
    own();
}
