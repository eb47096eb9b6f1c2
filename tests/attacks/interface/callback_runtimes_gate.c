/* class: interface
 * source: the first gates of a compartment are the runtime's
 * tries: to give each of the victim's first gates, main among them, as a callback
 * must: end the process at the call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    for (int gate = 0; gate < 12; gate++) {
        int status, child = fork();
        if (!child) {
            victim_back((callback *)(descriptor_of(victim_key)->stubs + (gate << IA2_STUB_SHIFT)),
                        (word)payload);
            SYS(SYS_exit_group, 0);
        }
        waitpid(child, &status, 0);
    }
}
