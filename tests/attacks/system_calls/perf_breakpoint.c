/* class: system_calls
 * source: perf_event_open(2) with a hardware breakpoint and SIGTRAP, inside a gate
 * tries: to be interrupted at the instruction behind the victim's WRPKRU, and to go on elsewhere
 * must: not get an event
 * expect: stopped */
#include "attack.h"
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>

ATTACK
{
    struct perf_event_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.type = PERF_TYPE_BREAKPOINT;
    attributes.size = sizeof attributes;
    attributes.bp_type = HW_BREAKPOINT_X;
    attributes.bp_addr = wrpkru_between(own_key, victim_key, 0) + 8;
    attributes.bp_len = sizeof(long);
    attributes.sample_period = 1;
    attributes.exclude_kernel = attributes.exclude_hv = 1;
    attributes.sigtrap = attributes.remove_on_exec = 1;
    on_signal(SIGTRAP, redirect);
    if (FAILED(SYS(SYS_perf_event_open, &attributes, 0, -1, -1, 0)))
        return;
    victim_call(ADD, 1, 1);
}
