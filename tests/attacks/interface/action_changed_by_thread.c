/* class: interface
 * source: sigaction(2): a record of libc's in memory that everybody writes
 * tries: to change the handler in it between the check and the use
 * must: give libc a copy whose function pointers were checked
 * expect: stopped */
#include "attack.h"

/* SIG_IGN, which passes every check, and the payload. */
static void *change(void *at)
{
    volatile word *handler = at;
    for (;;) {
        *handler = (word)SIG_IGN;
        for (volatile int i = 0; i < 300; i++)
            ;
        *handler = (word)payload;
    }
    return NULL;
}

ATTACK
{
    struct sigaction *action = (struct sigaction *)shared_at(0x6000);
    memset(action, 0, sizeof *action);
    action->sa_handler = SIG_IGN;
    thread(change, action);
    for (int i = 0; i < 2000; i++)
        victim_action(action);
}
