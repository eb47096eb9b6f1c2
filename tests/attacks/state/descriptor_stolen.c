/* class: state
 * source: pidfd_getfd(2), /proc/self/fd
 * tries: to get a second, writable descriptor of the state's file
 * must: find no file
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char path[64];
    on_signal(SIGUSR2, quiet_handler);
    struct ia2_signal forged = forged_handler();
    snprintf(path, sizeof path, "/proc/self/fd/%d", state_file());
    int again = SYS(SYS_open, path, O_RDWR);
    if (again < 0)
        again = SYS(SYS_pidfd_getfd, SYS(SYS_pidfd_open, getpid(), 0), state_file(), 0);
    SYS(SYS_pwrite64, again, &forged, sizeof forged, offset_in_state(&state()->signal[SIGUSR2]));
    raise(SIGUSR2);
}
