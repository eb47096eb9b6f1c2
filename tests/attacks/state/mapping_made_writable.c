/* class: state
 * source: mprotect(2)
 * tries: to make the state's mapping writable where it is
 * must: fail: the state is another key's, or calls are contained
 * expect: succeeds until system calls are contained */
#include "attack.h"

ATTACK
{
    on_signal(SIGUSR2, quiet_handler);
    struct ia2_signal *record = (struct ia2_signal *)&state()->signal[SIGUSR2];
    if (SYS(SYS_mprotect, page_of(record), 8192, 3))
        return;
    *record = forged_handler();
    raise(SIGUSR2);
}
