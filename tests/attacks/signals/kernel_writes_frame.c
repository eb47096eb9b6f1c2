/* class: signals
 * source: kernel 6.12: a frame is written with all keys open (x86/pkeys, Chekhovskoy et al. 2024)
 * tries: to have a frame written over the victim's object by a thread with a raw alternate stack
 * must: not be able to name a stack
 * expect: stopped */
#include "attack.h"

extern char end_thread[] __asm__("kernel_writes_frame_end") __attribute__((visibility("hidden")));
asm(".pushsection .text\nkernel_writes_frame_end: mov $60, %eax\n xor %edi, %edi\n syscall\n"
    ".popsection");

static void *on_victims_memory(void *at)
{
    stack_t stack = {(char *)at + 512 - 8192, 0, 8192};
    SYS(SYS_sigaltstack, &stack, 0);
    SYS(SYS_tgkill, SYS(SYS_getpid), SYS(SYS_gettid), SIGUSR2);
    return NULL;
}

ATTACK
{
    struct kernel_action action = {(word)end_thread, RAW_ONSTACK | 0x04000000, (word)end_thread, 0};
    SYS(SYS_rt_sigaction, SIGUSR2, &action, 0, 8);
    for (int i = 0; i < 40 && victim_call(OBJECT, 0, 0) == 0x1111; i++) {
        thread(on_victims_memory, (char *)victim_object + 64 * i);
        usleep(50000);
    }
}
