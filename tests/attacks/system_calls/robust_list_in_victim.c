/* class: system_calls
 * source: set_robust_list(2): the kernel marks futexes when a thread ends
 * tries: to have the victim's object taken for a futex that a dead thread held
 * must: not change the victim's object
 * expect: stopped */
#include "attack.h"

static void *ends(void *unused)
{
    static word list[4];
    list[0] = (word)victim_object; /* the next entry, at offset 0 of the futex */
    list[1] = 0;
    list[2] = (word)victim_object;
    SYS(SYS_set_robust_list, list, 24);
    SYS(SYS_exit, 0);
    return unused;
}

ATTACK
{
    thread(ends, NULL);
    usleep(300000);
}
