/* The monitor: the part of the runtime that decides. It has rights of its own (IA2_PKRU_MONITOR), a
 * stack on each thread under its key, and a gate in each compartment (gates/ia2_gate.S). Whoever
 * calls one of the functions below without being the monitor goes through that gate.
 *
 * Rules for what runs in the monitor:
 *   - The caller is what the gate found. No argument says who calls.
 *   - Arguments are copied to the monitor's stack before they are looked at (ia2_monitor_copy_in).
 *   - Signals are blocked, so no handler finds the monitor at work.
 *   - libc's functions run with the monitor's rights, and libc's data are shared. So the monitor
 *     calls none that call a function by a pointer in them, such as printf. What dl_iterate_phdr
 *     and dladdr find in ld.so's lists is believed as far as any compartment's word. */
#ifndef IA2_MONITOR_H
#define IA2_MONITOR_H

#include <stddef.h>
#include <stdint.h>

enum ia2_operation {
    IA2_DO_HEAP_RANGE_MAP,
    IA2_DO_HEAP_RANGE_UNMAP,
    IA2_DO_MEMORY_MAP,
    IA2_DO_SHARED_STACK_GROW,
    IA2_DO_THREAD_PREPARE,
    IA2_DO_THREAD_ABANDON,
    IA2_DO_THREAD_LIVE,
    IA2_DO_THREAD_QUIET,
    IA2_DO_THREAD_RELEASE,
    IA2_DO_THREADS_FORKED,
    IA2_DO_SIGNAL_SET,
    IA2_DO_EXIT_ADD,
    IA2_DO_EXIT_FREE,
    IA2_DO_EXIT_CLAIM,
    IA2_DO_PLUGIN_TAKE,
    IA2_DO_PLUGIN_LET_GO,
    IA2_DO_GUESTS_SEAL,
    IA2_DO_CONTAIN,
    IA2_OPERATIONS,
};

/* Has the monitor do \a operation; what the arguments and the result are says the function that the
 * operation is for. With any rights, on a thread with a record, or before there are compartments.
 * Blocks signals meanwhile. Async-signal-safe if the operation is. */
long ia2_monitor(enum ia2_operation operation, long a, long b, long c, long d);

/* In the monitor: whether it has the rights. */
int ia2_is_monitor(void);

/* In the monitor: copies \a size bytes from, or to, memory that \a caller gave (a key; the
 * monitor's own is trusted). Ends the process unless the memory is the caller's alone, on this
 * thread's stack, in its storage, its globals or its heap; for key 0, unless it is nobody's. */
void ia2_monitor_copy_in(int caller, void *to, const void *from, size_t size);
void ia2_monitor_copy_out(int caller, void *to, const void *from, size_t size);

/* In the monitor: whether [\a start, \a start + \a size) has nothing of a compartment but
 * \a key (0: none at all), nor of the runtime. Its blocks in shared memory are the compartment's
 * too. */
int ia2_is_free_for(int key, uintptr_t start, size_t size);

#endif
