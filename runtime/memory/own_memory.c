#define _GNU_SOURCE
#include "memory/own_memory.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "memory/mappings.h"
#include "state/monitor.h"
#include "state/state.h"
#include "state/system_calls.h"

long ia2_memory_taken(long start, long size, long prot, long unused, int caller)
{
    (void)unused;
    if (caller < 1 || caller > IA2_LAST_COMPARTMENT ||
        !ia2_mapping_may_change(caller, (uintptr_t)start, (size_t)size) ||
        (ia2_state.contained && prot & PROT_EXEC))
        return -EACCES;
    int r = ia2_sys_protect((void *)start, (size_t)size, (int)prot, caller);
    if (!r && ia2_state.contained)
        r = ia2_mapping_add((uintptr_t)start, (size_t)size, (uint32_t)caller);
    return r;
}

int ia2_memory_take(void *start, size_t size, int prot)
{
    return (int)ia2_monitor(IA2_DO_MEMORY_TAKE, (long)start, (long)size, prot, 0);
}
