/* class: signals
 * source: rseq(2)
 * tries: to register rseq at a place of its own choice, shared memory or the victim's object
 * must: refuse to register
 * expect: stopped */
#include "attack.h"

static void register_at(void *at)
{
    long *offset = exported("__rseq_offset");
    char *old = (char *)__builtin_thread_pointer() + (offset ? *offset : 0);
    SYS(SYS_rseq, old, 32, 1, 0x53053053);
    if (!SYS(SYS_rseq, at, 32, 0, 0x53053053))
        say("registered\n");
}

ATTACK
{
    word *area = (word *)shared_at(0x1000), *section = area + 8;
    section[1] = module_of(victim_key)->text.start;
    section[2] = module_of(victim_key)->text.end - module_of(victim_key)->text.start;
    section[3] = (word)payload;
    register_at(area);
    for (int i = 0; i < 200; i++) {
        *(volatile word *)(area + 1) = (word)section;
        victim_call(SPIN, 1000000, 0);
    }
}
