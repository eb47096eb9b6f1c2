/* class: signals
 * source: PKU Pitfalls (Connor et al. 2020), section 4.4: the saved PKRU is data
 * tries: to set PKRU to 0 in the frame of a handler of its own
 * must: go back with the PKRU that was interrupted
 * expect: stopped */
#include "attack.h"

static void open_keys(int number, siginfo_t *info, void *context)
{
    *saved_pkru(context) = 0;
}

ATTACK
{
    on_signal(SIGUSR1, open_keys);
    raise(SIGUSR1);
    own();
}
