#define _GNU_SOURCE
#include "monitor/dispatch.h"

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/die.h"
#include "containment/calls.h"
#include "exit/table.h"
#include "load/plugins.h"
#include "memory/heap_ranges.h"
#include "memory/own_memory.h"
#include "memory/shared_stack.h"
#include "signals/signals.h"
#include "state/addresses.h"
#include "state/monitor.h"
#include "state/rights.h"
#include "state/state.h"
#include "threads/threads.h"

static long (*const operations[IA2_OPERATIONS])(long, long, long, long, int) = {
    [IA2_DO_HEAP_RANGE_MAP] = ia2_heap_range_mapped,
    [IA2_DO_HEAP_RANGE_UNMAP] = ia2_heap_range_unmapped,
    [IA2_DO_MEMORY_MAP] = ia2_memory_mapped,
    [IA2_DO_SHARED_STACK_GROW] = ia2_shared_stack_grow,
    [IA2_DO_THREAD_PREPARE] = ia2_thread_prepare,
    [IA2_DO_THREAD_ABANDON] = ia2_thread_abandon,
    [IA2_DO_THREAD_LIVE] = ia2_thread_live,
    [IA2_DO_THREAD_QUIET] = ia2_thread_quiet,
    [IA2_DO_THREAD_RELEASE] = ia2_thread_released,
    [IA2_DO_THREADS_FORKED] = ia2_threads_forked,
    [IA2_DO_SIGNAL_SET] = ia2_signal_setting,
    [IA2_DO_EXIT_ADD] = ia2_exit_added,
    [IA2_DO_EXIT_FREE] = ia2_exit_freed,
    [IA2_DO_EXIT_CLAIM] = ia2_exit_claimed,
    [IA2_DO_PLUGIN_TAKE] = ia2_plugin_taken,
    [IA2_DO_PLUGIN_LET_GO] = ia2_plugins_gone,
    [IA2_DO_GUESTS_SEAL] = ia2_guests_sealed,
    [IA2_DO_CONTAIN] = ia2_calls_contained,
};

static long dispatch(int operation, long a, long b, long c, long d, int caller)
{
    if (operation < 0 || operation >= IA2_OPERATIONS)
        ia2_die("the monitor has no operation %d", operation);
    return operations[operation](a, b, c, d, caller);
}

/* SIGKILL and SIGSTOP cannot be blocked. A debugger that steps into the monitor makes the kernel
 * open SIGTRAP; without one, a SIGTRAP that finds the monitor at work ends the process. */
#define MAY_COME (1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1) | 1ul << (SIGTRAP - 1))

/* Who jumps into the gate of another compartment would seem to be that one. It is the caller only
 * if it waits for this very call: its own word says where, and its own frame there for what. */
static void check_caller(int caller)
{
    const struct ia2_thread_record *record = ia2_this_thread();
    const struct ia2_compartment_descriptor *d = ia2_state.module[caller].descriptor;
    uint64_t word = record ? *ia2_suspended_word(record, caller) : 0;
    struct ia2_range stack = {0, 0};
    if (record)
        stack = ia2_stack_of(record, caller);
    if (!d || !ia2_is_in(&stack, word) ||
        ((const struct ia2_gate_frame *)word)->gate != d->monitor_gate)
        ia2_die("the monitor is called in the name of compartment %d, which does not call it",
                caller);
}

long ia2_monitor_run(int operation, long a, long b, long c, long d, int caller)
{
    static const uint64_t all = ~0ul;
    uint64_t blocked = 0;
    syscall(SYS_rt_sigprocmask, 0, NULL, &blocked, sizeof(blocked));
    if ((blocked | MAY_COME) != all)
        ia2_die("the monitor is called while signals can come");
    if (caller)
        check_caller(caller);
    return dispatch(operation, a, b, c, d, caller);
}

__attribute__((constructor(101))) static void begin(void)
{
    ia2_state.dispatch = dispatch;
}
