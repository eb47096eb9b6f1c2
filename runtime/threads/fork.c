/* What happens around a fork.
 *
 * Parent and child go on with their own threads and heaps, so the child gets a state of its own. It
 * must be the state of the moment of the fork: a thread that went on in between could have its
 * storage under keys that the child's copy does not know. The steps, in their order:
 *
 *  1. The atfork handlers of compartments, each through a gate. They take the locks of their
 *     allocator and of their register of types. libc runs prepare handlers in the reverse order of
 *     their registration, and the runtime registers first.
 *  2. prepare: waits until no other thread writes the state, keeps others from writing, and copies
 *     the state to a file for the child.
 *  3. The fork.
 *  4. parent: drops the copy and lets the other threads go on.
 *     child: puts the copy in the place of the state, and forgets the threads that it does not
 *     have. libc will give their stacks and storage to new threads.
 *  5. The handlers of compartments in parent and child give their locks back. */
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>

#include "state/state.h"
#include "state/writers.h"
#include "threads/threads.h"

static void prepare(void)
{
    ia2_writing_stop();
    ia2_state_copy();
}

static void parent(void)
{
    ia2_state_drop_copy();
    ia2_writing_go_on();
}

static void child(void)
{
    ia2_state_take_copy();
    ia2_writing_go_on_in_child();
    if (ia2_slot)
        IA2_STATE_SET(ia2_state.thread[ia2_slot & IA2_SLOT_MASK].tid, (uint64_t)getpid());
    ia2_threads_forked();
}

/* Before any compartment can register a handler: each needs this library, so the loader runs this
 * constructor before theirs. */
__attribute__((constructor(101))) static void register_handlers(void)
{
    pthread_atfork(prepare, parent, child);
}
