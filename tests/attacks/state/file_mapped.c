/* class: state
 * source: the runtime's state is a file whose descriptor stays open
 * tries: to map the state writable
 * must: not find a descriptor, or not be able to map it so
 * expect: stopped */
#include "attack.h"

ATTACK
{
    on_signal(SIGUSR2, quiet_handler);
    long made = SYS(SYS_mmap, 0, sizeof(struct ia2_state), 3, MAP_SHARED, state_file(), 0);
    if (FAILED(made))
        return;
    struct ia2_state *writable = (struct ia2_state *)made;
    writable->signal[SIGUSR2] = forged_handler();
    raise(SIGUSR2);
}
