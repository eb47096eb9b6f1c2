/* class: signals
 * source: rt_sigaction(2), rt_sigprocmask(2)
 * tries: to block SIGSEGV and to take the runtime's handler away, then to touch the secret
 * must: end the process all the same
 * expect: stopped */
#include "attack.h"

ATTACK
{
    struct kernel_action action = {0, 0, 0, 0};
    word all = -1;
    SYS(SYS_rt_sigaction, SIGSEGV, &action, 0, 8);
    SYS(SYS_rt_sigprocmask, 2, &all, 0, 8);
    own();
}
