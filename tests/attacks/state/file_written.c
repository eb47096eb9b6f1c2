/* class: state
 * source: the runtime's state is a file whose descriptor stays open
 * tries: to write a record of the state by the descriptor
 * must: not find a descriptor, or not be able to write
 * expect: stopped */
#include "attack.h"

ATTACK
{
    on_signal(SIGUSR2, quiet_handler);
    struct ia2_signal forged = forged_handler();
    SYS(SYS_pwrite64, state_file(), &forged, sizeof forged,
        offset_in_state(&state()->signal[SIGUSR2]));
    raise(SIGUSR2);
}
