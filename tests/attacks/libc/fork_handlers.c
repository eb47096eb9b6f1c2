/* class: libc
 * source: __register_atfork: libc keeps the handlers, and whoever forks runs them
 * tries: to have the victim's fork run the payload
 * must: run it with the rights of who registered it, or not at all
 * expect: succeeds until libc's data are private */
#include "attack.h"

ATTACK
{
    int (*register_atfork)(void (*)(void), void (*)(void), void (*)(void), void *) =
        exported("__register_atfork");
    if (!register_atfork)
        return;
    void (*run)(void) = (void (*)(void))(word)payload;
    register_atfork(run, run, run, NULL);
    victim_call(FORK, 0, 0);
}
