/* class: system_calls
 * source: set_tid_address(2): the kernel clears a word when a thread ends
 * tries: to have it clear the victim's object at the end of a thread
 * must: not change the victim's object
 * expect: stopped */
#include "attack.h"

static void *ends(void *unused)
{
    SYS(SYS_set_tid_address, victim_object);
    SYS(SYS_exit, 0);
    return unused;
}

ATTACK
{
    thread(ends, NULL);
    usleep(300000);
}
