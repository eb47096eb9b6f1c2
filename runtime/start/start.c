#define _GNU_SOURCE
#include "start/start.h"

#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/die.h"
#include "base/log.h"
#include "containment/calls.h"
#include "exit/destructor_map.h"
#include "exit/fini_array.h"
#include "exit/registering.h"
#include "exit/trace.h"
#include "load/module.h"
#include "memory/heap_ranges.h"
#include "load/plugins.h"
#include "memory/thread_storage.h"
#include "permissive/recorded.h"
#include "load/sites.h"
#include "memory/stacks.h"
#include "state/note.h"
#include "state/rights.h"
#include "state/runtime_memory.h"
#include "state/signal_frame.h"
#include "state/state.h"
#include "state/system_calls.h"
#include "signals/signals.h"
#include "start/libc_code.h"
#include "threads/rseq.h"
#include "threads/threads.h"

static int find_module(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    const struct ia2_compartment_descriptor *descriptor = ia2_find_descriptor(info);
    if (!descriptor)
        return 0;
    struct ia2_module module;
    ia2_module_admit(info, descriptor, ~1u);
    ia2_module_find(info, descriptor, &module);
    ia2_exit_gate_module(info, &module, descriptor->fini_entries);
    ia2_state.module[descriptor->id] = module;
    return 0;
}

/* Before there are compartments: later they could write what ld.so knows about the carriers. */
static int find_carrier(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    const char *note = ia2_find_note(info, IA2_NOTE_CARRIER);
    uint32_t id = 0;
    if (note)
        memcpy(&id, note, sizeof(id));
    for (int i = 0; id >= 1 && id <= IA2_LAST_COMPARTMENT && i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS) {
            int64_t offset = (char *)info->dlpi_tls_data - (char *)__builtin_thread_pointer();
            ia2_state.carrier[id] = (struct ia2_carrier){offset, info->dlpi_phdr[i].p_memsz};
        }
    return 0;
}

static void find_modules(void)
{
    dl_iterate_phdr(find_module, NULL);
    dl_iterate_phdr(find_carrier, NULL);
    const struct ia2_compartment_descriptor *first = ia2_state.module[1].descriptor;
    if (!first)
        ia2_die("no compartment has key 1");
    for (uint32_t i = 1; i <= first->count; i++) {
        const struct ia2_compartment_descriptor *d = ia2_state.module[i].descriptor;
        if (!d && first->plugin_keys & 1u << i)
            continue;
        if (!d)
            ia2_die("the compartment with key %u is not loaded; is its .ia2.so beside the program?",
                    i);
        ia2_module_check_policy(d);
    }
    ia2_state.count = first->count;
}

static void set_data_keys(void)
{
    for (uint32_t key = 1; key <= ia2_state.count; key++)
        ia2_module_set_keys(&ia2_state.module[key], key);
}

static void set_first_thread(void)
{
    struct rlimit limit;
    size_t zone = 8ul << 20;
    if (!getrlimit(RLIMIT_STACK, &limit) && limit.rlim_cur != RLIM_INFINITY)
        zone = limit.rlim_cur < 1ul << 30 ? (limit.rlim_cur + IA2_PAGE - 1) & -IA2_PAGE : 1ul << 30;
    struct ia2_thread_record *record = &ia2_state.thread[1];
    ia2_state_reserve();
    uint64_t monitor = record->top[IA2_KEY_MONITOR];
    *record = (struct ia2_thread_record){.fsbase = (uint64_t)__builtin_thread_pointer(),
                                         .tid = (uint64_t)gettid(),
                                         .state = IA2_SLOT_LIVE};
    record->top[IA2_KEY_MONITOR] = monitor;
    int r = ia2_frame_prepare(1);
    if (!r)
        r = ia2_stacks_map(zone, 0, record);
    if (!r)
        r = ia2_stacks_install(record);
    if (r)
        ia2_die("cannot make the stacks of %zu bytes each (%s)", zone, strerrorname_np(-r));
    ia2_slot = 1;
    r = ia2_tls_set_keys(__builtin_thread_pointer(), 0, 0);
    if (r)
        ia2_die("cannot put thread-local storage under its keys (%s)", strerrorname_np(-r));
}

static int is_kernel(int major, int minor)
{
    struct utsname name;
    int found[2] = {0, 0};
    if (uname(&name) || sscanf(name.release, "%d.%d", &found[0], &found[1]) != 2)
        return 0;
    return found[0] > major || (found[0] == major && found[1] >= minor);
}

static void take_keys(void)
{
    const char *require = getenv("IA2_REQUIRE_PKU");
    int needed = require && *require && strcmp(require, "0");
    if (ia2_cpu_has_pkeys()) {
        int r = ia2_sys_alloc_keys();
        if (r)
            ia2_die("the CPU has protection keys but the kernel gives none (%s); in a container, "
                    "allow pkey_alloc and "
                    "pkey_mprotect in its seccomp profile",
                    strerrorname_np(-r));
        ia2_state.pkeys = 1;
        ia2_state.hides_frames = is_kernel(6, 12);
    } else if (needed) {
        ia2_die("this CPU or kernel has no protection keys and IA2_REQUIRE_PKU is set");
    } else {
        ia2_say("warning: this CPU or kernel has no protection keys; the compartments are NOT "
                "protected from each other");
    }
}

int ia2_start(int argc, char **argv, char **envp)
{
    if (ia2_state.ready)
        ia2_die("started twice");
    ia2_exit_read_environment();
    find_modules();
    ia2_destructor_runtime_init();
    ia2_destructor_map_close();
    take_keys();
    ia2_libc_code_close();
    ia2_rseq_end();
    ia2_permissive_start();
    ia2_sites_patch();
    set_first_thread();
    ia2_heap_ranges_set_keys();
    set_data_keys();
    ia2_signals_start();
    ia2_threads_start();
    ia2_exit_start();
    if (ia2_calls_are_to_be_contained()) {
        ia2_signals_catch_calls();
        ia2_signals_catch_faults();
    }
    ia2_state.argc = (uint64_t)argc;
    ia2_state.argv = argv;
    ia2_state.envp = envp;
    ia2_plugins_find();
    ia2_state_close();
    ia2_keep_key0();
    ia2_plugins_start();
    if (ia2_calls_are_to_be_contained())
        ia2_calls_contain();
    return ia2_state.module[1].descriptor->main(argc, argv, envp);
}
