/* class: system_calls
 * source: PKU Pitfalls, section 4.3; ptrace(2)
 * tries: to have a child attach to this process and read the victim's memory
 * must: fail
 * expect: stopped */
#include "attack.h"
#include <sys/prctl.h>
#include <sys/ptrace.h>

ATTACK
{
    int status, parent = getpid(), child;
    SYS(SYS_prctl, PR_SET_PTRACER, -1);
    child = SYS(SYS_fork);
    if (!child) {
        word words[2];
        if (!SYS(SYS_ptrace, PTRACE_ATTACH, parent, 0, 0)) {
            SYS(SYS_wait4, parent, &status, 0x40000000 /* __WALL */);
            SYS(SYS_ptrace, PTRACE_PEEKDATA, parent, victim_secret, &words[0]);
            if (!SYS(SYS_ptrace, PTRACE_PEEKDATA, parent, victim_secret + 8, &words[1]))
                leak(words);
            SYS(SYS_ptrace, PTRACE_POKEDATA, parent, victim_object, 0x41414141);
            SYS(SYS_ptrace, PTRACE_DETACH, parent, 0, 0);
        }
        SYS(SYS_exit_group, 0);
    }
    waitpid(child, &status, 0);
}
