#define _GNU_SOURCE
#include "memory/stacks.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "memory/shared_stack.h"
#include "state/rights.h"
#include "state/system_calls.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

/* Key 0's zone has no memory of its own: what has its rights runs on the thread's first stack, at
 * the depth where the thread left it. Only the word that holds that depth is needed. */
static __thread uint64_t key0_zone[2] __attribute__((tls_model("initial-exec")));

uint64_t ia2_key0_top(void)
{
    return (uint64_t)key0_zone - (uint64_t)(int64_t)IA2_SUSPENDED_SP;
}

size_t ia2_stacks_size(size_t zone)
{
    return IA2_SIGNAL_STACK + IA2_SHARED_STACK +
           ia2_state.count * (zone + IA2_SIGNAL_GUARD + IA2_SIGNAL_ZONE) + IA2_PAGE;
}

/* A zone ends in a guard page. Between zones there is none: the next one has another key. Nor
 * between the parts under key 0: the shared stack is checked at each push. Each part is set once,
 * to what it shall be: on a stack that libc has kept from another thread it mostly is so already,
 * and the kernel has nothing to do ([m] 0.2 us; to take a guard page away and put it back, 2.5 to
 * 4). */
static int lay_zone(char *low, size_t zone, int inaccessible, int key)
{
    char *guard = low + IA2_SIGNAL_ZONE, *stack = guard + IA2_SIGNAL_GUARD;
    int r = inaccessible ? 0 : ia2_sys_protect(guard, IA2_SIGNAL_GUARD, PROT_NONE, 0);
    if (!r)
        r = ia2_sys_protect(stack, zone, PROT_READ | PROT_WRITE, key);
    return r ? r : ia2_sys_protect(low, IA2_SIGNAL_ZONE, PROT_READ | PROT_WRITE, key);
}

int ia2_stacks_lay(char *high, size_t zone, int inaccessible, struct ia2_thread_record *record)
{
    char *at = high - IA2_SIGNAL_STACK;
    /* Disarmed on delivery (Linux 4.7), so the handler's entry may give the rest of it to nested
     * signals. */
    stack_t signal_stack = {
        .ss_sp = at, .ss_size = IA2_SIGNAL_STACK, .ss_flags = (int)SS_AUTODISARM};
    record->shared_high = (uint64_t)at;
    ia2_shared_begin(at);
    at -= IA2_SHARED_STACK;
    record->shared_low = (uint64_t)at;
    int r = inaccessible ? ia2_sys_protect(at, (size_t)(high - at), PROT_READ | PROT_WRITE, 0) : 0;
    if (!r && sigaltstack(&signal_stack, NULL))
        r = -errno;
    record->top[0] = ia2_key0_top();
    key0_zone[0] = ~0ul; /* running */
    record->zone_size = zone;
    for (uint32_t key = 1; !r && key <= ia2_state.count; key++) {
        record->top[key] = (uint64_t)at;
        at -= zone + IA2_SIGNAL_GUARD + IA2_SIGNAL_ZONE;
        r = lay_zone(at, zone, inaccessible, (int)key);
    }
    /* Before it had its key, this memory was writable by every compartment (fresh from libc) or by
     * its previous owner (a reused stack). Zero it now, including the suspension words that gates
     * trust. */
    return r || inaccessible ? r : ia2_sys_empty(at, (size_t)((char *)record->shared_low - at));
}

void ia2_stack_empty(const struct ia2_thread_record *record, uint32_t key)
{
    size_t size = record->zone_size + IA2_SIGNAL_GUARD + IA2_SIGNAL_ZONE;
    ia2_sys_empty((char *)record->top[key] - size, size);
}
