/* class: signals
 * source: rt_sigaction(2)
 * tries: to have the kernel call a handler that the runtime does not know, on a signal stack of the
 *   attacker's, on its way changing PKRU
 * must: not install it
 * expect: stopped */
#include "attack.h"

static void handler(int number, siginfo_t *info, void *context)
{
    *saved_pkru(context) = 0;
}

extern char raw_return[] __asm__("raw_handler_return") __attribute__((visibility("hidden")));
asm(".pushsection .text\nraw_handler_return: mov $15, %eax\n syscall\n.popsection");

ATTACK
{
    struct kernel_action action = {(word)handler, RAW_SIGINFO | RAW_ONSTACK, (word)raw_return, 0};
    stack_t stack = {.ss_sp = shared_at(0x4000), .ss_size = 0x8000};
    SYS(SYS_sigaltstack, &stack, 0);
    SYS(SYS_rt_sigaction, SIGUSR1, &action, 0, 8);
    SYS(SYS_tgkill, SYS(SYS_getpid), SYS(SYS_gettid), SIGUSR1);
    own();
}
