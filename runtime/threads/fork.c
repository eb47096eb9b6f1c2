/* What happens around a fork.
 *
 * Parent and child go on with their own threads and heaps, so the child gets a state of its own:
 * the kernel copies it, as it copies all private memory. A thread that begins or ends meanwhile
 * writes its record before the keys of its memory change, and the kernel changes no keys while it
 * copies. So the child knows of every key that its memory has. The steps, in their order:
 *
 *  1. The atfork handlers of compartments, each through a gate. They take the locks of their
 *     allocator and of their register of types. libc runs prepare handlers in the reverse order of
 *     their registration, and the runtime registers first.
 *  2. The fork.
 *  3. child: the monitor forgets the threads that the child does not have. libc will give their
 *     storage to new threads.
 *  4. The handlers of compartments in parent and child give their locks back. */
#define _GNU_SOURCE
#include <pthread.h>

#include "state/state.h"
#include "threads/threads.h"

static void child(void)
{
    if (ia2_state.ready)
        ia2_threads_only_one();
}

/* Before any compartment can register a handler: each needs this library, so the loader runs this
 * constructor before theirs. */
__attribute__((constructor(101))) static void register_handlers(void)
{
    pthread_atfork(NULL, NULL, child);
}
