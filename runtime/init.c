#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/die.h"
#include "base/log.h"
#include "exit/destructor_map.h"
#include "exit/fini_array.h"
#include "exit/registering.h"
#include "exit/trace.h"
#include "memory/heap_ranges.h"
#include "late.h"
#include "memory/thread_storage.h"
#include "permissive/recorded.h"
#include "sites.h"
#include "memory/stacks.h"
#include "state/note.h"
#include "state/rights.h"
#include "state/state.h"
#include "state/system_calls.h"
#include "signals/signals.h"
#include "threads/threads.h"

/* The writable pages of the module that get its key: its writable segments less RELRO and
 * IA2_SHARED_DATA. */
static void find_data(const struct dl_phdr_info *info, struct ia2_module *module, const char *name)
{
    struct ia2_range relro = {0, 0};
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_GNU_RELRO) {
            relro.start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            relro.end = (relro.start + info->dlpi_phdr[i].p_memsz) & -IA2_PAGE;
            relro.start &= -IA2_PAGE;
        }
    int n = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_W))
            continue;
        uintptr_t start = info->dlpi_addr + ph->p_vaddr, end = start + ph->p_memsz;
        start &= -IA2_PAGE;
        end = (end + IA2_PAGE - 1) & -IA2_PAGE;
        struct ia2_range holes[2] = {relro, module->shared};
        for (int h = 0; h < 2; h++) {
            if (holes[h].start >= holes[h].end || holes[h].end <= start || holes[h].start >= end)
                continue;
            if (holes[h].start > start) {
                if (n == 4)
                    ia2_die("%s: too many writable segments", name);
                module->data[n++] = (struct ia2_range){start, holes[h].start};
            }
            start = holes[h].end;
        }
        if (start < end) {
            if (n == 4)
                ia2_die("%s: too many writable segments", name);
            module->data[n++] = (struct ia2_range){start, end};
        }
    }
}

static void find_text(const struct dl_phdr_info *info, struct ia2_module *module)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type == PT_LOAD && ph->p_flags & PF_X)
            module->text = (struct ia2_range){info->dlpi_addr + ph->p_vaddr,
                                              info->dlpi_addr + ph->p_vaddr + ph->p_memsz};
    }
}

/* Before there are compartments: later they could write what ld.so knows about the carriers. */
static int find_carrier(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    const char *note = ia2_find_note(info, IA2_NOTE_CARRIER);
    uint32_t id = 0;
    if (note)
        memcpy(&id, note, sizeof(id));
    for (int i = 0; id >= 1 && id < IA2_MAX_COMPARTMENTS && i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS) {
            int64_t offset = (char *)info->dlpi_tls_data - (char *)__builtin_thread_pointer();
            IA2_STATE_SET(ia2_state.carrier[id],
                          ((struct ia2_carrier){offset, info->dlpi_phdr[i].p_memsz}));
        }
    return 0;
}

static void set_tls_image(const struct dl_phdr_info *info, const ElfW(Phdr) * ph,
                          struct ia2_module *module)
{
    module->tls_size = ph->p_memsz;
    module->tls_image = (const void *)(info->dlpi_addr + ph->p_vaddr);
    module->tls_image_size = ph->p_filesz;
}

/* A plugin's thread-local storage is that of another library, which came with the program. */
static void find_carried_tls(const struct dl_phdr_info *info, struct ia2_module *module,
                             const char *name)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != IA2_PT_TLS)
            continue;
        set_tls_image(info, ph, module);
        const struct ia2_carrier *carrier = &ia2_state.carrier[module->descriptor->id];
        module->tls_offset = carrier->tls_offset;
        if (!module->tls_offset || carrier->tls_size < module->tls_size ||
            (ia2_fs_base() + (uint64_t)module->tls_offset) % IA2_PAGE || ph->p_memsz % IA2_PAGE)
            ia2_die("%s: the program has no room for its thread-local storage; both must come from "
                    "the same build",
                    name);
    }
}

static void find_constructors(const struct dl_phdr_info *info, struct ia2_module *module)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        for (const ElfW(Dyn) *d = (const ElfW(Dyn) *)(info->dlpi_addr + ph->p_vaddr);
             ph->p_type == PT_DYNAMIC && d->d_tag != DT_NULL; d++) {
            if (d->d_tag == IA2_DT_INIT_ARRAY)
                module->constructors =
                    (void (**)(int, char **, char **))(info->dlpi_addr + d->d_un.d_ptr);
            if (d->d_tag == IA2_DT_INIT_ARRAYSZ)
                module->constructor_count = d->d_un.d_val / sizeof(*module->constructors);
        }
    }
}

static void find_tls(const struct dl_phdr_info *info, struct ia2_module *module, const char *name)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_TLS || !info->dlpi_tls_data)
            continue;
        uintptr_t start = (uintptr_t)info->dlpi_tls_data;
        if (start % IA2_PAGE || ph->p_memsz % IA2_PAGE)
            ia2_die("compartment %s: its thread-local storage shares a page with others (%p, %zu "
                    "bytes); run pad-tls on %s",
                    module->descriptor->name, (void *)start, (size_t)ph->p_memsz, name);
        module->tls_offset = (ptrdiff_t)(start - (uintptr_t)__builtin_thread_pointer());
        set_tls_image(info, ph, module);
    }
}

void ia2_module_find(struct dl_phdr_info *info, const struct ia2_compartment_descriptor *descriptor,
                     struct ia2_module *module)
{
    const char *name = info->dlpi_name && *info->dlpi_name ? info->dlpi_name : "the executable";
    if (descriptor->permissive != IA2_PERMISSIVE)
        ia2_die(IA2_PERMISSIVE ? "%s was built to enforce, with the runtime of permissive "
                                 "programs; build all of the program in one way"
                               : "%s was built permissive, with a runtime that enforces; build all "
                                 "of the program in one way",
                name);
    *module = (struct ia2_module){.descriptor = descriptor, .base = info->dlpi_addr};
    module->shared = (struct ia2_range){(uintptr_t)descriptor->shared_data,
                                        (uintptr_t)descriptor->shared_data_end};
    if (module->shared.start % IA2_PAGE || module->shared.end % IA2_PAGE)
        ia2_die("%s: IA2_SHARED_DATA does not fill whole pages", name);
    find_data(info, module, name);
    find_tls(info, module, name);
    find_carried_tls(info, module, name);
    find_constructors(info, module);
    find_text(info, module);
    ia2_exit_gate_module(info, module, descriptor->fini_entries);
}

static int find_module(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    const struct ia2_compartment_descriptor *descriptor = ia2_find_descriptor(info);
    if (!descriptor)
        return 0;
    const char *name = info->dlpi_name && *info->dlpi_name ? info->dlpi_name : "the executable";
    uint32_t id = descriptor->id;
    if (id < 1 || id >= IA2_MAX_COMPARTMENTS)
        ia2_die("%s: key %u is not in 1..15", name, id);
    if (ia2_state.module[id].descriptor)
        ia2_die("%s: key %u is already that of compartment %s", name, id,
                ia2_state.module[id].descriptor->name);
    struct ia2_module module;
    ia2_module_find(info, descriptor, &module);
    ia2_state_write(&ia2_state.module[id], &module, sizeof(module));
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
        if (d->count != first->count || memcmp(d->pkru, first->pkru, sizeof(d->pkru)))
            ia2_die("compartments %s and %s were built from different policies", d->name,
                    first->name);
    }
    IA2_STATE_SET(ia2_state.count, first->count);
}

void ia2_module_set_keys(const struct ia2_module *module, unsigned key)
{
    for (int i = 0; i < 4; i++) {
        struct ia2_range r = module->data[i];
        if (r.start < r.end &&
            ia2_sys_protect((void *)r.start, r.end - r.start, PROT_READ | PROT_WRITE, (int)key))
            ia2_die("cannot put the globals of %s under key %u", module->descriptor->name, key);
    }
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
    struct ia2_thread_record record = {.fsbase = (uint64_t)__builtin_thread_pointer(),
                                       .tid = (uint64_t)gettid(),
                                       .state = IA2_SLOT_LIVE};
    size_t size = ia2_stacks_size(zone);
    char *low = ia2_sys_reserve(size, IA2_PAGE);
    if (!low)
        ia2_die("no address space for the stacks (%zu bytes wanted)", size);
    int r = ia2_stacks_lay(low + size, zone, 1, &record);
    if (r)
        ia2_die("cannot make the stacks (%s)", strerrorname_np(-r));
    ia2_slot = 1;
    ia2_state_write(&ia2_state.thread[1], &record, sizeof(record));
    r = ia2_tls_set_keys(__builtin_thread_pointer(), 0, 0);
    if (r)
        ia2_die("cannot put thread-local storage under its keys (%s)", strerrorname_np(-r));
}

static void take_keys(void)
{
    const char *require = getenv("IA2_REQUIRE_PKU");
    int needed = require && *require && strcmp(require, "0");
    if (ia2_cpu_has_pkeys()) {
        int r = ia2_sys_alloc_keys((int)ia2_state.count);
        if (r)
            ia2_die("the CPU has protection keys but the kernel gives none (%s); in a container, "
                    "allow pkey_alloc and "
                    "pkey_mprotect in its seccomp profile",
                    strerrorname_np(-r));
        IA2_STATE_SET(ia2_state.pkeys, 1u);
    } else if (needed) {
        ia2_die("this CPU or kernel has no protection keys and IA2_REQUIRE_PKU is set");
    } else {
        ia2_say("warning: this CPU or kernel has no protection keys; the compartments are NOT "
                "protected from each other");
    }
}

int ia2_start(int argc, char **argv, char **envp)
{
    ia2_state_open();
    if (ia2_state.ready)
        ia2_die("started twice");
    ia2_exit_read_environment();
    find_modules();
    ia2_destructor_runtime_init();
    ia2_destructor_map_close();
    take_keys();
    ia2_permissive_start();
    ia2_sites_patch();
    set_first_thread();
    ia2_heap_ranges_set_keys();
    set_data_keys();
    ia2_signals_start();
    ia2_threads_start();
    ia2_exit_start();
    IA2_STATE_SET(ia2_state.argc, (uint64_t)argc);
    IA2_STATE_SET(ia2_state.argv, argv);
    IA2_STATE_SET(ia2_state.envp, envp);
    IA2_STATE_SET(ia2_state.ready, 1u);
    if (ia2_state.module[1].descriptor->plugin_keys)
        ia2_late_check();
    ia2_become_nobody();
    return ia2_state.module[1].descriptor->main(argc, argv, envp);
}
