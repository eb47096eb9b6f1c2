#define _GNU_SOURCE
#include "state/state.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "state/system_calls.h"

/* In this DSO's own image, so that gates find it at a constant. */
struct ia2_state ia2_state;
__thread uint32_t ia2_slot;
__thread uint32_t ia2_virtual_pkru = IA2_PKRU_0;
__thread uint32_t ia2_jumping;

/* The tables are sparse, so they have no initializer, which would be as large in the file, and no
 * large pages, of which each byte in use would take one. */
__attribute__((constructor(101))) static void begin(void)
{
    madvise(&ia2_state, sizeof(ia2_state), MADV_NOHUGEPAGE);
    ia2_state.thread_lock.rank = IA2_RANK_THREADS;
    ia2_state.exit_lock.rank = IA2_RANK_EXIT;
    ia2_state.slots_used = 2; /* none, and the first thread's */
}

void ia2_state_close(void)
{
    size_t size = IA2_SLOT_COUNT * IA2_MONITOR_STACK;
    char *stacks = ia2_sys_reserve(size, IA2_PAGE);
    if (!stacks)
        ia2_die("no address space for the monitor's stacks (%zu bytes wanted)", size);
    madvise(stacks, size, MADV_NOHUGEPAGE);
    madvise(stacks, size, MADV_DONTDUMP);
    int r = ia2_sys_protect(stacks, size, PROT_READ | PROT_WRITE, IA2_KEY_MONITOR);
    ia2_state.monitor_stacks = (uint64_t)stacks;
    ia2_state.thread[1].top[IA2_KEY_MONITOR] = (uint64_t)stacks + 2 * IA2_MONITOR_STACK;
    ia2_state.ready = 1;
    if (!r)
        r = ia2_sys_protect(&ia2_state, sizeof(ia2_state), PROT_READ | PROT_WRITE, IA2_KEY_STATE);
    if (r)
        ia2_die("cannot put the runtime's memory under its keys (%s)", strerrorname_np(-r));
}
