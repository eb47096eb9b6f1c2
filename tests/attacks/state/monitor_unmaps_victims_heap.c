/* class: state
 * source: the monitor gives heaps back for who owns them
 * tries: to have it give back the victim's heap, so that the attacker's comes to lie there
 * must: find who calls, and refuse what is not the caller's
 * expect: stopped */
#include "attack.h"
#include "state/monitor.h"

ATTACK
{
    for (unsigned long granule = 0; granule < IA2_GRANULES; granule++) {
        if (state()->owner[granule] != victim_key)
            continue;
        block_signals();
        descriptor_of(own_key)->monitor(IA2_DO_HEAP_RANGE_UNMAP, granule << IA2_GRANULE_SHIFT,
                                        IA2_GRANULE, 0, 0, victim_key);
        if (state()->owner[granule] != victim_key)
            effect("a heap of the victim's is gone");
        return;
    }
    cannot("the victim has no heap");
}
