#include "containment/arguments.h"

#include <errno.h>
#include <string.h>

#include "state/monitor.h"
#include "state/state.h"

long ia2_argument_copy(const struct ia2_call *call, void *to, uint64_t from, size_t size)
{
    ia2_lock(&ia2_state.memory_lock);
    int is_own = ia2_is_free_for(call->key, from, size);
    if (is_own)
        memcpy(to, (const void *)from, size);
    ia2_unlock(&ia2_state.memory_lock);
    return is_own ? 0 : -EFAULT;
}
