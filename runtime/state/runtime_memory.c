#define _GNU_SOURCE
#include "state/runtime_memory.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "state/state.h"
#include "state/system_calls.h"

static uint64_t reserve(size_t size)
{
    char *start = ia2_sys_reserve(size, IA2_PAGE);
    if (!start)
        ia2_die("no address space for the monitor's memory (%zu bytes wanted)", size);
    ia2_sys_advise(start, size, MADV_NOHUGEPAGE);
    ia2_sys_advise(start, size, MADV_DONTDUMP);
    int r = ia2_sys_protect(start, size, PROT_READ | PROT_WRITE, IA2_KEY_MONITOR);
    if (r)
        ia2_die("cannot put the monitor's memory under its key (%s)", strerrorname_np(-r));
    return (uint64_t)start;
}

void ia2_state_reserve(void)
{
    ia2_state.monitor_stacks = reserve(IA2_SLOT_COUNT * IA2_MONITOR_STACK);
    ia2_state.cookie = reserve(IA2_PAGE);
    ia2_state.frames = reserve(IA2_SLOT_COUNT * IA2_FRAME_BUFFER);
    ia2_state.thread[1].top[IA2_KEY_MONITOR] = ia2_state.monitor_stacks + 2 * IA2_MONITOR_STACK;
}

void ia2_state_close(void)
{
    ia2_state.ready = 1;
    int r = ia2_sys_protect(&ia2_state, sizeof(ia2_state), PROT_READ | PROT_WRITE, IA2_KEY_STATE);
    if (r)
        ia2_die("cannot put the runtime's state under its key (%s)", strerrorname_np(-r));
}
