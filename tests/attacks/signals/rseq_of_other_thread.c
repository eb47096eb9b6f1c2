/* class: signals
 * source: rseq(2)
 * tries: the same in a thread that never runs anything but the victim's code
 * must: have no rseq registered while compartments run
 * expect: stopped */
#include "attack.h"

static void try_once(word section)
{
    long *offset = exported("__rseq_offset");
    if (!offset)
        return;
    victim_call(SPINNING_THREAD, 0, 0);
    for (int k = 0; k < 600; k++) {
        for (int i = 2; i < 64; i++)
            if (state()->thread[i].fsbase)
                *(volatile word *)(state()->thread[i].fsbase + *offset + 8) = section;
        usleep(1000);
    }
}

ATTACK
{
    word *section = (word *)shared_at(0x1000);
    section[1] = module_of(victim_key)->text.start;
    section[2] = module_of(victim_key)->text.end - module_of(victim_key)->text.start;
    section[3] = (word)payload;
    for (int i = 0; i < 5; i++) {
        int status, child = fork();
        if (!child) {
            try_once((word)section);
            SYS(SYS_exit_group, 0);
        }
        waitpid(child, &status, 0);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
            break;
    }
}
