/* Prints where the runtime keeps what, for the test that reads the memory of a running program. "name value" per line. */
#include <stdio.h>

#include "memory/stacks.h"
#include "state/state.h"

#define FIELD(name, type, field) printf(name " %zu\n", offsetof(type, field))
#define NUMBER(name, value) printf(name " %zu\n", (size_t)(value))

int main(void)
{
    FIELD("count", struct ia2_state, count);
    FIELD("modules", struct ia2_state, module);
    NUMBER("module_size", sizeof(struct ia2_module));
    FIELD("module_data", struct ia2_module, data);
    NUMBER("module_data_count", sizeof(((struct ia2_module *)0)->data) / sizeof(struct ia2_range));
    FIELD("module_shared", struct ia2_module, shared);
    FIELD("module_tls_offset", struct ia2_module, tls_offset);
    FIELD("module_tls_size", struct ia2_module, tls_size);
    FIELD("threads", struct ia2_state, thread);
    NUMBER("thread_count", IA2_SLOT_COUNT);
    NUMBER("thread_size", sizeof(struct ia2_thread_record));
    FIELD("thread_fsbase", struct ia2_thread_record, fsbase);
    FIELD("thread_top", struct ia2_thread_record, top);
    FIELD("thread_zone_size", struct ia2_thread_record, zone_size);
    FIELD("thread_state", struct ia2_thread_record, state);
    NUMBER("thread_live", IA2_SLOT_LIVE);
    FIELD("thread_owner", struct ia2_thread_record, start_owner);
    FIELD("thread_shared_low", struct ia2_thread_record, shared_low);
    FIELD("thread_shared_high", struct ia2_thread_record, shared_high);
    NUMBER("below_stack", IA2_SIGNAL_GUARD + IA2_SIGNAL_ZONE);
    NUMBER("signal_stack", IA2_SIGNAL_STACK);
    NUMBER("first_stack", IA2_FIRST_STACK);
    FIELD("streams", struct ia2_state, streams);
    FIELD("monitor_stacks", struct ia2_state, monitor_stacks);
    NUMBER("monitor_stacks_size", IA2_SLOT_COUNT * IA2_MONITOR_STACK);
    FIELD("frames", struct ia2_state, frames);
    FIELD("cookie", struct ia2_state, cookie);
    NUMBER("frames_size", IA2_SLOT_COUNT * IA2_FRAME_BUFFER);
    NUMBER("cookie_size", IA2_PAGE);
    FIELD("owners", struct ia2_state, owner);
    NUMBER("granules", IA2_GRANULES);
    NUMBER("granule_shift", IA2_GRANULE_SHIFT);
    NUMBER("owner_shared", IA2_OWNER_SHARED);
    return 0;
}
