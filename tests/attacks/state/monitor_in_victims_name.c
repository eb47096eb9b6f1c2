/* class: state
 * source: the monitor's caller is whose gate leads there
 * tries: to jump into the victim's gate to the monitor, behind its checks, and to have the victim's
 *   heap given back in its name; a second thread sees the change before the process ends
 * must: believe only a caller that waits for this very call
 * expect: stopped */
#include "attack.h"
#include "state/monitor.h"

static unsigned long granule;

static void *watch(void *unused)
{
    while (state()->owner[granule] == victim_key)
        ;
    effect("a heap of the victim's is gone");
    return unused;
}

/* The WRPKRU on the victim's way to the monitor. */
static word way_in(void)
{
    const struct ia2_compartment_descriptor *of = descriptor_of(victim_key);
    word first = 0;
    for (const struct ia2_gate_code_range *path = of->code_ranges; path < of->code_ranges_end; path++)
        for (const struct ia2_site *site = of->sites; site < of->sites_end; site++) {
            word at = (word)site + site->offset;
            if ((int)path->caller == victim_key && path->callee == IA2_KEY_MONITOR &&
                site->kind == IA2_SITE_WRPKRU && at - ((word)path + path->offset) < path->length &&
                (!first || at < first))
                first = at;
        }
    if (!first)
        cannot("the victim has no way to the monitor");
    return first;
}

ATTACK
{
    while (granule < IA2_GRANULES && state()->owner[granule] != victim_key)
        granule++;
    if (granule == IA2_GRANULES)
        cannot("the victim has no heap");
    thread(watch, NULL);
    usleep(20000);
    block_signals();
    struct registers forged = {.rax = IA2_PKRU_MONITOR,
                               .r10 = (word)descriptor_of(victim_key)->monitor_gate,
                               .r15 = *slot() << IA2_RECORD_SHIFT,
                               .rdi = IA2_DO_HEAP_RANGE_UNMAP,
                               .rsi = granule << IA2_GRANULE_SHIFT,
                               .r13 = IA2_GRANULE};
    jump_with(&forged, way_in());
}
