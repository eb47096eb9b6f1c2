/* class: system_calls
 * source: perf_event_open(2) with PERF_SAMPLE_REGS_USER
 * tries: to have the kernel sample the victim's registers into a ring of the attacker's
 * must: not get an event
 * expect: stopped */
#include "attack.h"
#include <linux/perf_event.h>

ATTACK
{
    struct perf_event_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.size = sizeof attributes;
    attributes.config = PERF_COUNT_SW_CPU_CLOCK;
    attributes.sample_period = 1000000;
    attributes.sample_type = PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER;
    attributes.exclude_kernel = 1;
    attributes.sample_regs_user = 3ul << 22; /* r14, r15 */
    attributes.sample_stack_user = 1024;
    int file = SYS(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
    if (file < 0)
        return;
    char *ring = (char *)SYS(SYS_mmap, 0, 4096 * 65, 3, MAP_SHARED, file, 0);
    for (int i = 0; i < 20; i++) {
        victim_call(SPIN, 1000000, 0);
        for (long at = 4096; at + 16 < 4096 * 65; at++)
            if (!memcmp(ring + at, "SEKRIT", 6)) {
                char bytes[16] = "";
                memcpy(bytes, ring + at, 8);
                memcpy(bytes + 8, "-77", 3);
                leak(bytes);
                return;
            }
    }
}
