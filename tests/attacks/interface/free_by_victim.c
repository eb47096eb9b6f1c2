/* class: interface
 * source: free(3) of what is no block: invalid free, "House of Spirit"
 * tries: to have the victim free a made-up block in shared memory, and its own object
 * must: end the process or do nothing
 * expect: stopped */
#include "attack.h"

ATTACK
{
    word *made = (word *)shared_at(0x5000);
    made[1] = 0x41;
    made[9] = 0x41;
    for (int i = 0; i < 2; i++) {
        int status, child = fork();
        if (!child) {
            victim_call(FREE, i ? (long)victim_object : (long)(made + 2), 0);
            SYS(SYS_exit_group, 0);
        }
        waitpid(child, &status, 0);
    }
}
