#define _GNU_SOURCE
#include "load/module.h"

#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "state/rights.h"
#include "state/state.h"
#include "state/system_calls.h"

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
                if (n == IA2_DATA_RANGES)
                    ia2_die("%s: too many writable segments", name);
                module->data[n++] = (struct ia2_range){start, holes[h].start};
            }
            start = holes[h].end;
        }
        if (start < end) {
            if (n == IA2_DATA_RANGES)
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

const char *ia2_module_file(const struct dl_phdr_info *info)
{
    return info->dlpi_name && *info->dlpi_name ? info->dlpi_name : "the executable";
}

void ia2_module_admit(const struct dl_phdr_info *info,
                      const struct ia2_compartment_descriptor *descriptor, uint32_t keys)
{
    uint32_t id = descriptor->id;
    if (id < 1 || id > IA2_LAST_COMPARTMENT || !(keys & 1u << id))
        ia2_die("%s: the policy has no compartment with key %u that comes this way",
                ia2_module_file(info), id);
    if (ia2_state.module[id].descriptor)
        ia2_die("%s: key %u is already that of compartment %s", ia2_module_file(info), id,
                ia2_state.module[id].descriptor->name);
}

void ia2_module_check_policy(const struct ia2_compartment_descriptor *descriptor)
{
    const struct ia2_compartment_descriptor *first = ia2_state.module[1].descriptor;
    if (descriptor->count != first->count ||
        memcmp(descriptor->pkru, first->pkru, sizeof(first->pkru)))
        ia2_die("compartments %s and %s were built from different policies", descriptor->name,
                first->name);
}

void ia2_module_find(const struct dl_phdr_info *info,
                     const struct ia2_compartment_descriptor *descriptor, struct ia2_module *module)
{
    const char *name = ia2_module_file(info);
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
}

void ia2_module_set_keys(const struct ia2_module *module, unsigned key)
{
    for (int i = 0; i < IA2_DATA_RANGES; i++) {
        struct ia2_range r = module->data[i];
        if (r.start < r.end &&
            ia2_sys_protect((void *)r.start, r.end - r.start, PROT_READ | PROT_WRITE, (int)key))
            ia2_die("cannot put the globals of %s under key %u", module->descriptor->name, key);
    }
}
