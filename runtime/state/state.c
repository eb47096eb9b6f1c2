#define _GNU_SOURCE
#include "state/state.h"

#include <sys/mman.h>

/* In this DSO's own image, so that gates find it at a constant. */
struct ia2_state ia2_state;
__thread uint32_t ia2_slot;
__thread uint32_t ia2_virtual_pkru = IA2_PKRU_0;

/* The tables are sparse, so they have no initializer, which would be as large in the file, and no
 * large pages, of which each byte in use would take one. */
__attribute__((constructor(101))) static void begin(void)
{
    madvise(&ia2_state, sizeof(ia2_state), MADV_NOHUGEPAGE);
    ia2_state.thread_lock.rank = IA2_RANK_THREADS;
    ia2_state.exit_lock.rank = IA2_RANK_EXIT;
    ia2_state.memory_lock.rank = IA2_RANK_MEMORY;
    ia2_state.mapping_lock.rank = IA2_RANK_MAPPINGS;
    ia2_state.slots_used = 2; /* none, and the first thread's */
}
