/* The numbers that gates and Python share with C. Nothing links this file: the compiler makes
 * assembly of it, and write_layout.py makes ia2_layout.h of the strings that begin with "->" there
 * (as the Linux kernel makes its asm-offsets.h). */
#define _GNU_SOURCE
#include <stddef.h>

#include "signals/guard.h"
#include "ia2_destructors.h"
#include "load/module.h"
#include "state/signal_frame.h"
#include "state/state.h"

#define TITLE(text) __asm__ volatile(".ascii \"->/* " text " */\"")
#define VALUE(name, value) \
    __asm__ volatile(".ascii \"->#define " #name " %c0\"" : : "i"((long)(value)))
#define FIELD(name, type, field) VALUE(name, offsetof(struct type, field))
#define SIZE(name, type) VALUE(name, sizeof(struct type))

/* The table is one function, because the compiler may emit several functions in another order. */
void ia2_layout(void)
{
    TITLE("state/descriptor.h");
    VALUE(IA2_PAGE, IA2_PAGE);
    VALUE(IA2_MAX_COMPARTMENTS, IA2_MAX_COMPARTMENTS);
    VALUE(IA2_LAST_COMPARTMENT, IA2_LAST_COMPARTMENT);
    VALUE(IA2_KEY_STATE, IA2_KEY_STATE);
    VALUE(IA2_KEY_MONITOR, IA2_KEY_MONITOR);
    VALUE(IA2_PKRU_0, IA2_PKRU_0);
    VALUE(IA2_PKRU_MONITOR, IA2_PKRU_MONITOR);
    VALUE(IA2_PKRU_ALL, IA2_PKRU_ALL);
    VALUE(IA2_NOTE_COMPARTMENT, IA2_NOTE_COMPARTMENT);
    VALUE(IA2_NOTE_DESTRUCTORS, IA2_NOTE_DESTRUCTORS);
    VALUE(IA2_NOTE_CARRIER, IA2_NOTE_CARRIER);
    VALUE(IA2_STUB_SHIFT, IA2_STUB_SHIFT);
    VALUE(IA2_DESC_SHIFT, IA2_DESC_SHIFT);
    FIELD(IA2_DESC_ENTER, ia2_gate_descriptor, enter);
    FIELD(IA2_DESC_BEFORE, ia2_gate_descriptor, before);
    FIELD(IA2_DESC_AFTER, ia2_gate_descriptor, after);
    FIELD(IA2_DESC_CALLERS, ia2_gate_descriptor, callers);
    VALUE(IA2_DESC_X87_SHIFT, IA2_DESC_X87_SHIFT);
    FIELD(IA2_DESC_FURTHER, ia2_gate_descriptor, further);
    FIELD(IA2_DESC_TYPE, ia2_gate_descriptor, type);
    VALUE(IA2_SITE_RDPKRU, IA2_SITE_RDPKRU);
    VALUE(IA2_SITE_WRPKRU, IA2_SITE_WRPKRU);
    VALUE(IA2_SITE_AVX512, IA2_SITE_AVX512);
    VALUE(IA2_SITE_AVX, IA2_SITE_AVX);
    VALUE(IA2_SITE_RDFSBASE, IA2_SITE_RDFSBASE);
    VALUE(IA2_SITE_XRSTOR, IA2_SITE_XRSTOR);
    SIZE(IA2_SITE_SIZE, ia2_site);
    FIELD(IA2_SITE_OFFSET, ia2_site, offset);
    FIELD(IA2_SITE_KIND, ia2_site, kind);
    FIELD(IA2_SITE_LENGTH, ia2_site, length);
    SIZE(IA2_CODE_RANGE_SIZE, ia2_gate_code_range);
    SIZE(IA2_PLUGIN_SIZE, ia2_plugin);
    SIZE(IA2_COMPARTMENT_SIZE, ia2_compartment_descriptor);
    FIELD(IA2_COMPARTMENT_ID, ia2_compartment_descriptor, id);
    FIELD(IA2_COMPARTMENT_COUNT, ia2_compartment_descriptor, count);
    FIELD(IA2_COMPARTMENT_NAME, ia2_compartment_descriptor, name);
    FIELD(IA2_COMPARTMENT_STUBS, ia2_compartment_descriptor, stubs);
    FIELD(IA2_COMPARTMENT_STUBS_END, ia2_compartment_descriptor, stubs_end);
    FIELD(IA2_COMPARTMENT_GATES, ia2_compartment_descriptor, gates);
    FIELD(IA2_COMPARTMENT_SITES, ia2_compartment_descriptor, sites);
    FIELD(IA2_COMPARTMENT_SITES_END, ia2_compartment_descriptor, sites_end);
    FIELD(IA2_COMPARTMENT_MAIN, ia2_compartment_descriptor, main);
    FIELD(IA2_COMPARTMENT_THREAD, ia2_compartment_descriptor, thread);
    FIELD(IA2_COMPARTMENT_SIGNAL, ia2_compartment_descriptor, signal);
    FIELD(IA2_COMPARTMENT_EXIT_CALL, ia2_compartment_descriptor, exit_call);
    FIELD(IA2_COMPARTMENT_THREAD_END, ia2_compartment_descriptor, thread_end);
    FIELD(IA2_COMPARTMENT_THREAD_STORAGE, ia2_compartment_descriptor, thread_storage);
    FIELD(IA2_COMPARTMENT_CONSTRUCT, ia2_compartment_descriptor, construct);
    FIELD(IA2_COMPARTMENT_UNWOUND, ia2_compartment_descriptor, unwound);
    FIELD(IA2_COMPARTMENT_CODE_RANGES, ia2_compartment_descriptor, code_ranges);
    FIELD(IA2_COMPARTMENT_CODE_RANGES_END, ia2_compartment_descriptor, code_ranges_end);
    FIELD(IA2_COMPARTMENT_CLIENT_ALLOC, ia2_compartment_descriptor, client_alloc);
    FIELD(IA2_COMPARTMENT_CLIENT_FREE, ia2_compartment_descriptor, client_free);
    FIELD(IA2_COMPARTMENT_SHARED_FREE, ia2_compartment_descriptor, shared_free);
    FIELD(IA2_COMPARTMENT_SHARED_RESIZE, ia2_compartment_descriptor, shared_resize);
    FIELD(IA2_COMPARTMENT_SHARED_SIZE, ia2_compartment_descriptor, shared_size);
    FIELD(IA2_COMPARTMENT_KEY0_THREAD_CREATE, ia2_compartment_descriptor, key0_thread_create);
    FIELD(IA2_COMPARTMENT_MONITOR, ia2_compartment_descriptor, monitor);
    FIELD(IA2_COMPARTMENT_MONITOR_GATE, ia2_compartment_descriptor, monitor_gate);
    FIELD(IA2_COMPARTMENT_FINI_ENTRIES, ia2_compartment_descriptor, fini_entries);
    FIELD(IA2_COMPARTMENT_SHARED_DATA, ia2_compartment_descriptor, shared_data);
    FIELD(IA2_COMPARTMENT_SHARED_DATA_END, ia2_compartment_descriptor, shared_data_end);
    FIELD(IA2_COMPARTMENT_PKRU, ia2_compartment_descriptor, pkru);
    FIELD(IA2_COMPARTMENT_PLUGIN_KEYS, ia2_compartment_descriptor, plugin_keys);
    FIELD(IA2_COMPARTMENT_SYSTEM_CALLS, ia2_compartment_descriptor, system_calls);
    FIELD(IA2_COMPARTMENT_PERMISSIVE, ia2_compartment_descriptor, permissive);
    FIELD(IA2_COMPARTMENT_PLUGINS, ia2_compartment_descriptor, plugins);
    FIELD(IA2_COMPARTMENT_PLUGINS_END, ia2_compartment_descriptor, plugins_end);

    TITLE("state/zone.h");
    VALUE(IA2_SUSPENDED_SP, IA2_SUSPENDED_SP);
    VALUE(IA2_SIGNAL_DEPTH, IA2_SIGNAL_DEPTH);
    VALUE(IA2_FIRST_FRAME, IA2_FIRST_FRAME);
    FIELD(IA2_FRAME_GATE, ia2_gate_frame, gate);
    FIELD(IA2_FRAME_RESULT, ia2_gate_frame, result);
    FIELD(IA2_FRAME_MXCSR, ia2_gate_frame, mxcsr);
    FIELD(IA2_FRAME_X87, ia2_gate_frame, x87_control);
    FIELD(IA2_FRAME_RUNNING, ia2_gate_frame, running);
    FIELD(IA2_FRAME_SIZE, ia2_gate_frame, saved); /* what follows is pushed at the start */
    FIELD(IA2_FRAME_WORDS, ia2_gate_frame, arguments);
    VALUE(IA2_SIGNAL_DEPTHS, IA2_SIGNAL_DEPTHS);
    VALUE(IA2_SIGNAL_ZONE_SHIFT, IA2_SIGNAL_ZONE_SHIFT);
    VALUE(IA2_SIGNAL_ZONE, IA2_SIGNAL_ZONE);
    VALUE(IA2_SIGNAL_GUARD, IA2_SIGNAL_GUARD);
    VALUE(IA2_SIGNAL_FRAMES, IA2_SIGNAL_FRAMES);

    TITLE("state/state.h");
    FIELD(IA2_STATE_PKEYS, ia2_state, pkeys);
    FIELD(IA2_STATE_MODULES, ia2_state, module);
    FIELD(IA2_STATE_EXIT_FLAGS, ia2_state, exit_flags);
    FIELD(IA2_STATE_THREADS, ia2_state, thread);
    FIELD(IA2_STATE_COOKIE, ia2_state, cookie);
    FIELD(IA2_STATE_HIDES_FRAMES, ia2_state, hides_frames);
    FIELD(IA2_STATE_MONITOR_STACKS, ia2_state, monitor_stacks);
    VALUE(IA2_MONITOR_STACK_SHIFT, IA2_MONITOR_STACK_SHIFT);
    SIZE(IA2_MODULE_SIZE, ia2_module);
    FIELD(IA2_MODULE_DESCRIPTOR, ia2_module, descriptor);
    VALUE(IA2_SLOT_MASK, IA2_SLOT_MASK);
    VALUE(IA2_RECORD_SHIFT, IA2_RECORD_SHIFT);
    FIELD(IA2_RECORD_FSBASE, ia2_thread_record, fsbase);
    FIELD(IA2_RECORD_TID, ia2_thread_record, tid);
    FIELD(IA2_RECORD_TOP, ia2_thread_record, top);
    FIELD(IA2_RECORD_ZONE_SIZE, ia2_thread_record, zone_size);
    FIELD(IA2_RECORD_STATE, ia2_thread_record, state);
    FIELD(IA2_RECORD_SHARED_HIGH, ia2_thread_record, shared_high);
    FIELD(IA2_RECORD_CALL_NOT_PKRU, ia2_thread_record, call_not_pkru);
    FIELD(IA2_RECORD_ENDED_FSBASE, ia2_thread_record, ended_fsbase);
    FIELD(IA2_RECORD_FIRST_LOW, ia2_thread_record, first_low);
    VALUE(IA2_SLOT_STARTING, IA2_SLOT_STARTING);
    VALUE(IA2_SLOT_BEGINNING, IA2_SLOT_BEGINNING);
    VALUE(IA2_EXIT_OPEN_ALL, IA2_EXIT_OPEN_ALL);

    TITLE("state/signal_frame.h");
    SIZE(IA2_SIGNAL_COPY, ia2_frame);
    VALUE(IA2_SIGNAL_COPY_REGISTERS, offsetof(struct ia2_frame, context.uc_mcontext.gregs));

    TITLE("signals/guard.h");
    FIELD(IA2_GUARD_SP, ia2_guard, stack);
    VALUE(IA2_GUARD_RETURNED, IA2_GUARD_RETURNED);
    VALUE(IA2_GUARD_FAULTED, IA2_GUARD_FAULTED);
    VALUE(IA2_GUARD_STACK, IA2_GUARD_STACK);

    TITLE("load/module.h");
    VALUE(IA2_PT_TLS, IA2_PT_TLS);
    VALUE(IA2_DT_INIT_ARRAY, IA2_DT_INIT_ARRAY);
    VALUE(IA2_DT_INIT_ARRAYSZ, IA2_DT_INIT_ARRAYSZ);
    VALUE(IA2_DT_INIT, IA2_DT_INIT);

    TITLE("include/ia2_destructors.h");
    SIZE(IA2_DESTRUCTOR_ENTRY_SIZE, ia2_static_destructor_entry);
    SIZE(IA2_DESTRUCTOR_TABLE_SIZE, ia2_static_destructor_table);
}
