/* class: threads
 * source: clone(2)
 * tries: to call the victim from a thread that the runtime does not know
 * must: end the process: the FS base has no record, or is another thread's
 * expect: stopped */
#include "attack.h"
#include <time.h>

static void body(void)
{
    struct timespec wait = {0, 300000000}; /* until the other thread is in the victim */
    SYS(SYS_nanosleep, &wait, 0);
    victim_call(ADD, 1, 2);
    effect("the victim ran on the stack of another thread, which runs");
    SYS(SYS_exit, 0);
}

ATTACK
{
    word *stack = (word *)shared_at(0xf000);
    long flags = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000;
    *--stack = (word)body;
    asm volatile("syscall; test %%rax, %%rax; jnz 1f; ret; 1:"
                 : "+a"((long){SYS_clone})
                 : "D"(flags), "S"(stack), "d"(0)
                 : "rcx", "r11", "memory");
    /* This thread is in the victim at the time. */
    victim_call(WAIT, 1000000, 0);
}
