#define _GNU_SOURCE
#include "memory/stacks.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "memory/shared_stack.h"
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

/* A guard page lies below the stack and another one below the signal zone, which is where the next
 * zone begins: a stack that runs over meets no other compartment's memory, even one that it may
 * read. */
static size_t zone_size(size_t zone)
{
    return IA2_PAGE + IA2_SIGNAL_ZONE + IA2_SIGNAL_GUARD + zone;
}

static int lay_zone(char *low, size_t zone, int key)
{
    char *stack = low + IA2_PAGE + IA2_SIGNAL_ZONE + IA2_SIGNAL_GUARD;
    int r = ia2_sys_protect(stack, zone, PROT_READ | PROT_WRITE, key);
    return r ? r : ia2_sys_protect(low + IA2_PAGE, IA2_SIGNAL_ZONE, PROT_READ | PROT_WRITE, key);
}

static int map(size_t zone, size_t first, struct ia2_thread_record *record)
{
    size_t zones = ia2_state.count * zone_size(zone),
           shared = IA2_SHARED_STACK + IA2_SIGNAL_STACK + first;
    char *low = ia2_sys_reserve(zones + IA2_PAGE + shared, IA2_PAGE);
    if (!low)
        return -EAGAIN;
    char *at = low + zones + IA2_PAGE; /* the guard page of the shared stack */
    record->region_low = (uint64_t)low;
    record->shared_low = (uint64_t)at;
    record->shared_high = (uint64_t)at + IA2_SHARED_STACK;
    record->first_low = record->shared_high + IA2_SIGNAL_STACK;
    record->region_high = record->first_low + first;
    record->zone_size = zone;
    /* With large pages each zone would take 2 MiB for its first byte. */
    ia2_sys_advise(low, record->region_high - record->region_low, MADV_NOHUGEPAGE);
    int r = ia2_sys_protect(at, shared, PROT_READ | PROT_WRITE, 0);
    if (!r && ia2_state.hides_frames)
        r = ia2_sys_protect((char *)record->first_low - IA2_SIGNAL_FRAMES, IA2_SIGNAL_FRAMES,
                            PROT_READ | PROT_WRITE, IA2_KEY_MONITOR);
    at = low + zones;
    for (uint32_t key = 1; !r && key <= ia2_state.count; key++) {
        record->top[key] = (uint64_t)at;
        at -= zone_size(zone);
        r = lay_zone(at, zone, (int)key);
    }
    if (r)
        ia2_stacks_unmap(record);
    return r;
}

int ia2_stacks_map(size_t zone, size_t first, struct ia2_thread_record *record)
{
    ia2_lock(&ia2_state.memory_lock);
    int r = map(zone, first, record);
    ia2_unlock(&ia2_state.memory_lock);
    return r;
}

void ia2_stacks_unmap(struct ia2_thread_record *record)
{
    ia2_sys_unmap((void *)record->region_low, record->region_high - record->region_low);
    record->region_low = record->first_low = record->region_high = 0;
}

int ia2_stacks_install(struct ia2_thread_record *record)
{
    /* Disarmed on delivery (Linux 4.7), so the handler's entry may give the rest of it to nested
     * signals. */
    stack_t signal_stack = {.ss_sp = (char *)record->first_low - IA2_SIGNAL_FRAMES,
                            .ss_size = IA2_SIGNAL_FRAMES,
                            .ss_flags = (int)SS_AUTODISARM};
    int r = ia2_sys_signal_stack(&signal_stack);
    if (r)
        return r;
    ia2_shared_begin((void *)record->shared_high);
    record->top[0] = ia2_key0_top();
    key0_zone[0] = ~0ul; /* running */
    return 0;
}

void ia2_stacks_empty(const struct ia2_thread_record *record)
{
    ia2_sys_empty((void *)record->region_low, record->shared_low - record->region_low);
}
