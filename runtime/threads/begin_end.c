#define _GNU_SOURCE
#include "threads/begin_end.h"
#include "state/system_calls.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "memory/shared_stack.h"
#include "memory/stacks.h"
#include "memory/thread_storage.h"
#include "state/addresses.h"
#include "state/rights.h"
#include "threads/rseq.h"

struct ia2_thread_record *ia2_own_record(void)
{
    struct ia2_thread_record *record = (struct ia2_thread_record *)ia2_this_thread();
    if (!record || record->tid != (uint64_t)gettid())
        ia2_die("a thread without a record of its own calls the monitor");
    return record;
}

/* A key must not come to memory that is not this thread's. */
static void check_place(const struct ia2_thread_record *record, uint64_t fsbase)
{
    struct ia2_range own = {record->first_low, record->region_high};
    for (uint32_t key = 1; key <= ia2_state.count; key++) {
        const struct ia2_module *module = &ia2_state.module[key];
        if (module->tls_size && !ia2_is_in(&own, fsbase + (uint64_t)module->tls_offset))
            ia2_die("the thread-local storage of a new thread is not on its stack");
    }
    if (!ia2_is_in(&own, fsbase))
        ia2_die("the descriptor of a new thread is not on its stack");
}

void ia2_thread_begins(uint32_t slot)
{
    struct ia2_thread_record *record = &ia2_state.thread[slot];
    uint64_t tid = (uint64_t)gettid(), fsbase = ia2_fs_base();
    for (uint32_t other = 1; other < ia2_state.slots_used; other++)
        if (ia2_state.thread[other].tid == tid && ia2_has_storage(&ia2_state.thread[other]))
            ia2_die("a thread begins a second time");
    check_place(record, fsbase);
    int r = ia2_stacks_install(record);
    record->fsbase = fsbase;
    record->tid = tid;
    ia2_rseq_end();
    /* Before its storage gets its keys: a child that is forked now must be able to take them off
     * again. */
    record->state = IA2_SLOT_QUIET;
    if (!r)
        r = ia2_tls_set_keys((char *)fsbase, 0, 0);
    if (r)
        ia2_die("cannot give a thread its stacks (%s)", strerrorname_np(-r));
}

void ia2_thread_ends(uint32_t slot, uint32_t emptied)
{
    struct ia2_thread_record *record = ia2_own_record();
    if (record != &ia2_state.thread[slot] || record->state != IA2_SLOT_QUIET || slot == 1)
        ia2_die("a thread ends whose FS base or slot is not its own");
    ia2_shared_end(record);
    if (ia2_tls_set_keys((char *)record->fsbase, 1, emptied))
        ia2_die("cannot take thread-local storage back from a thread that ends");
    ia2_stacks_empty(record);
    record->ended_fsbase = record->fsbase;
    record->fsbase = 0;
    record->state = IA2_SLOT_ENDED;
}
