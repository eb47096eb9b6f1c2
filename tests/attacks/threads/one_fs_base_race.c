/* class: threads
 * source: the threat model's "WRFSBASE and a second thread"
 * tries: to call the victim from two threads at a time that have the same FS base
 * must: end the process, or run one after the other
 * expect: stopped */
#include "attack.h"

static volatile word base;

static void *second(void *unused)
{
    while (!base)
        ;
    SYS(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, base);
    for (long i = 0; i < 100000; i++)
        victim_call(STEADY, 20 + i % 50, 0);
    SYS(SYS_exit, 0);
    return unused;
}

ATTACK
{
    thread(second, NULL);
    base = (word)__builtin_thread_pointer();
    for (long i = 0; i < 100000; i++)
        victim_call(STEADY, 10 + i % 70, 0);
}
