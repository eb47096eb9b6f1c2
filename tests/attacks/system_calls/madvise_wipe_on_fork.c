/* class: system_calls
 * source: madvise(2) with MADV_WIPEONFORK
 * tries: to have the victim's object emptied in a child
 * must: not change the victim's memory
 * expect: stopped */
#include "attack.h"

ATTACK
{
    SYS(SYS_madvise, victim_object, 4096, 18 /* MADV_WIPEONFORK */);
    int status, child = fork();
    if (!child) {
        if (victim_call(OBJECT, 0, 0) == 0)
            effect("the victim's object is empty in the child");
        _exit(0);
    }
    waitpid(child, &status, 0);
}
