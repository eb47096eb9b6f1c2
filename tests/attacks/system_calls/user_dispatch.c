/* class: system_calls
 * source: prctl(2) with PR_SET_SYSCALL_USER_DISPATCH
 * tries: to answer the victim's pkey_mprotect itself, with success
 * must: not be able to set it
 * expect: stopped */
#include "attack.h"
#include <sys/prctl.h>

/* The handler makes every call of the frame that it interrupted but pkey_mprotect, 329. It runs with
 * key 0 alone, and lies with its return in the range where calls are not dispatched. */
extern char answer[] __asm__("user_dispatch_answer") __attribute__((visibility("hidden")));
extern char answered[] __asm__("user_dispatch_answered") __attribute__((visibility("hidden")));
asm(".pushsection .text\n.balign 4096\n"
    "user_dispatch_answer:\n"
    "    mov 0x90(%rdx), %rax\n    cmp $329, %eax\n    je 1f\n"
    "    push %rdx\n    mov %rdx, %rbx\n"
    "    mov 0x68(%rbx), %rdi\n    mov 0x70(%rbx), %rsi\n    mov 0x88(%rbx), %rdx\n"
    "    mov 0x38(%rbx), %r10\n    mov 0x28(%rbx), %r8\n    mov 0x30(%rbx), %r9\n"
    "    syscall\n    pop %rdx\n    mov %rax, 0x90(%rdx)\n    ret\n"
    "1:  movq $0, 0x90(%rdx)\n    ret\n"
    "user_dispatch_answered:\n    mov $15, %eax\n    syscall\n.balign 4096\n.popsection");

ATTACK
{
    struct kernel_action action = {(word)answer, RAW_SIGINFO | RAW_ONSTACK, (word)answered, 0};
    volatile char *selector = shared_at(0x2000);
    SYS(SYS_rt_sigaction, SIGSYS, &action, 0, 8);
    SYS(SYS_prctl, 59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, page_of(answer), 8192, selector);
    *selector = 1;
    long page = victim_call(MAP, 0, 0);
    *selector = 0;
    if (page > 0)
        leak((char *)page);
}
