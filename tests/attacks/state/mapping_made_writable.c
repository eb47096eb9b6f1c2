/* class: state
 * source: pkey_mprotect(2)
 * tries: to make the state's mapping writable where it is, under key 0
 * must: fail: the state is another key's, or calls are contained
 * expect: stopped */
#include "attack.h"

ATTACK
{
    on_signal(SIGUSR2, quiet_handler);
    struct ia2_signal *record = (struct ia2_signal *)&state()->signal[SIGUSR2];
    if (SYS(SYS_pkey_mprotect, page_of(record), 8192, 3, 0))
        return;
    *record = forged_handler();
    raise(SIGUSR2);
}
