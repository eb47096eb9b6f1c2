/* class: system_calls
 * source: vfork(2): the child has the same page tables
 * tries: to have a child that no monitor knows change the victim's key
 * must: fail
 * expect: stopped */
#include "attack.h"

ATTACK
{
    static long child;
    static int status;
    child = SYS(SYS_clone, 0x100 | SIGCHLD /* CLONE_VM */, (word)shared_at(0xf000), 0, 0, 0);
    if (!child) {
        SYS(SYS_pkey_mprotect, page_of(victim_secret), 4096, 3, 0);
        SYS(SYS_pkey_mprotect, page_of(victim_object), 4096, 3, 0);
        SYS(SYS_exit, 0);
    }
    SYS(SYS_wait4, child, &status, 0);
    own();
}
