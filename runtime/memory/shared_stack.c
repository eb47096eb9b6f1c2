#define _GNU_SOURCE
#include "memory/shared_stack.h"

#include <sys/mman.h>

#include "base/die.h"
#include "ia2.h"
#include "state/monitor.h"
#include "state/rights.h"
#include "state/state.h"
#include "state/system_calls.h"

#define SHARED_HEADER 16 /* the previous shared_sp, below each block */

static __thread char *shared_sp __attribute__((tls_model("initial-exec")));

void ia2_shared_begin(void *high)
{
    shared_sp = high;
}

/* The second part of the thread's shared stack, for what its own stack would have held
 * (IA2_SHARED_STACK is less: few programs need more). A block may take twice its size, by header
 * and alignment. */
long ia2_shared_stack_grow(long unused1, long unused2, long unused3, long unused4, int caller)
{
    (void)unused1, (void)unused2, (void)unused3, (void)unused4, (void)caller;
    struct ia2_thread_record *record = (struct ia2_thread_record *)ia2_this_thread();
    size_t size = record ? 2 * record->zone_size + IA2_PAGE : 0;
    ia2_lock(&ia2_state.memory_lock);
    char *low = !record || record->more_low ? NULL : ia2_sys_reserve(size, IA2_PAGE);
    int grown = low && !ia2_sys_protect(low, size, PROT_READ | PROT_WRITE, 0);
    if (grown) {
        record->more_low = (uint64_t)low;
        record->more_high = (uint64_t)low + size;
    }
    ia2_unlock(&ia2_state.memory_lock);
    return grown;
}

void ia2_shared_end(struct ia2_thread_record *record)
{
    if (record->more_low)
        ia2_sys_unmap((void *)record->more_low, record->more_high - record->more_low);
    record->more_low = record->more_high = 0;
}

/* Where a block goes whose header is above \a low; 0: it does not fit. */
static uint64_t fit(uint64_t low, uint64_t sp, size_t size, size_t align)
{
    if (size > sp - low)
        return 0;
    sp = (sp - size) & -(uint64_t)(align < SHARED_HEADER ? SHARED_HEADER : align);
    return sp < low + SHARED_HEADER ? 0 : sp;
}

void *ia2_shared_push(size_t size, size_t align)
{
    const struct ia2_thread_record *record = ia2_this_thread();
    if (!record)
        ia2_die("shared local variable on a thread that the runtime did not start");
    uint64_t level = (uint64_t)shared_sp, sp = 0;
    /* shared_sp can be written by every compartment: what it names is used only inside the shared
     * stack. */
    if (level >= record->shared_low && level <= record->shared_high) {
        sp = fit(record->shared_low, level, size, align);
        if (!sp && (record->more_low || ia2_monitor(IA2_DO_SHARED_STACK_GROW, 0, 0, 0, 0)))
            sp = fit(record->more_low, record->more_high, size, align);
    } else if (level >= record->more_low && level <= record->more_high) {
        sp = fit(record->more_low, level, size, align);
    }
    if (!sp)
        ia2_die("shared stack overflow: %zu bytes wanted", size);
    *(uint64_t *)(sp - SHARED_HEADER) = level;
    shared_sp = (char *)sp - SHARED_HEADER;
    return (void *)sp;
}

void ia2_shared_pop(const void *variable)
{
    shared_sp = *(char **)(*(char *const *)variable - SHARED_HEADER);
}

void *ia2_shared_level(void)
{
    return shared_sp;
}

void ia2_shared_cut(void *level)
{
    shared_sp = level;
}
