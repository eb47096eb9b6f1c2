#define _GNU_SOURCE
#include "memory/own_memory.h"

#include <errno.h>
#include <stdint.h>

#include "state/monitor.h"
#include "state/state.h"
#include "state/system_calls.h"

long ia2_memory_taken(long start, long size, long prot, long unused, int caller)
{
    (void)unused;
    if (caller < 1 || caller > IA2_LAST_COMPARTMENT ||
        !ia2_is_free_for(caller, (uintptr_t)start, (size_t)size))
        return -EACCES;
    return ia2_sys_protect((void *)start, (size_t)size, (int)prot, caller);
}

int ia2_memory_take(void *start, size_t size, int prot)
{
    return (int)ia2_monitor(IA2_DO_MEMORY_TAKE, (long)start, (long)size, prot, 0);
}
