/* class: state
 * source: the child's state is copied from a descriptor; dup2(2) changes what that is
 * tries: to put a file of its own in the place of the state's, and to fork
 * must: copy the state from memory that the attacker cannot change
 * expect: stopped */
#include "attack.h"

ATTACK
{
    static const char zeros[4096];
    int status, mine = SYS(SYS_memfd_create, "mine", 0), old = state_file();
    on_signal(SIGUSR2, quiet_handler);
    struct ia2_signal forged = forged_handler();
    const char *from = (const char *)state();
    SYS(SYS_ftruncate, mine, sizeof(struct ia2_state));
    for (word at = 0; at < sizeof(struct ia2_state); at += 4096)
        if (memcmp(from + at, zeros, 4096))
            SYS(SYS_pwrite64, mine, from + at, 4096, at);
    SYS(SYS_pwrite64, mine, &forged, sizeof forged, offset_in_state(&state()->signal[SIGUSR2]));
    if (old < 0 || FAILED(SYS(SYS_dup2, mine, old)))
        return;
    int child = fork();
    if (!child) {
        raise(SIGUSR2);
        SYS(SYS_exit_group, 1);
    }
    waitpid(child, &status, 0);
    SYS(SYS_exit_group, 0);
}
