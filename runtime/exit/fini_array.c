#define _GNU_SOURCE
#include "exit/fini_array.h"

#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "exit/running.h"
#include "exit/table.h"
#include "ia2_destructors.h"
#include "state/state.h"
#include "state/system_calls.h"

/* crti.o's, which does nothing. */
static int is_empty_fini(const unsigned char *code)
{
    static const unsigned char endbr[] = {0xf3, 0x0f, 0x1e, 0xfa},
                               empty[] = {0x48, 0x83, 0xec, 0x08, 0x48, 0x83, 0xc4, 0x08, 0xc3};
    if (!memcmp(code, endbr, sizeof(endbr)))
        code += sizeof(endbr);
    return !memcmp(code, empty, sizeof(empty));
}

static void take_array(const struct dl_phdr_info *info, struct ia2_module *module,
                       ElfW(Dyn) * array, ElfW(Dyn) * size, void (**entries)(void))
{
    int id = (int)module->descriptor->id;
    void (**functions)(void) = (void (**)(void))(info->dlpi_addr + array->d_un.d_ptr);
    size_t count = size->d_un.d_val / sizeof(*functions);
    for (size_t i = 0; i < count; i++) {
        uint32_t index = ia2_exit_add_record(id, IA2_EXIT_FINI_ARRAY, functions[i], NULL);
        if (index == IA2_EXIT_RECORDS || (i && index != module->exit_first + i))
            ia2_die("%s: too many destructors", module->descriptor->name);
        if (!i)
            module->exit_first = index;
    }
    module->exit_count = (uint32_t)count;
    array->d_un.d_ptr = (uintptr_t)&entries[0] - info->dlpi_addr;
    size->d_un.d_val = sizeof(*entries);
}

/* The loader would run these with PKRU 0, and destructors write their own globals. (.dynamic is
 * RELRO, hence the mprotect.) */
void ia2_exit_gate_module(const struct dl_phdr_info *info, struct ia2_module *module,
                          void (**entries)(void))
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_DYNAMIC)
            continue;
        ElfW(Dyn) *dynamic = (ElfW(Dyn) *)(info->dlpi_addr + ph->p_vaddr), *array = NULL,
                  *size = NULL, *fini = NULL;
        for (ElfW(Dyn) *d = dynamic; d->d_tag != DT_NULL; d++) {
            if (d->d_tag == DT_FINI_ARRAY)
                array = d;
            if (d->d_tag == DT_FINI_ARRAYSZ)
                size = d;
            if (d->d_tag == DT_FINI)
                fini = d;
        }
        char *low = (char *)((uintptr_t)dynamic & -IA2_PAGE);
        char *high = (char *)(((uintptr_t)dynamic + ph->p_memsz + IA2_PAGE - 1) & -IA2_PAGE);
        int r = ia2_sys_change(low, (size_t)(high - low), PROT_READ | PROT_WRITE);
        if (r)
            ia2_die("cannot gate the destructors of %s (%s)", module->descriptor->name,
                    strerrorname_np(-r));
        if (array && size && size->d_un.d_val)
            take_array(info, module, array, size, entries);
        if (fini && !is_empty_fini((const unsigned char *)(info->dlpi_addr + fini->d_un.d_ptr))) {
            module->exit_fini =
                ia2_exit_add_record((int)module->descriptor->id, IA2_EXIT_FINI,
                                    (void (*)(void))(info->dlpi_addr + fini->d_un.d_ptr), NULL);
            if (module->exit_fini == IA2_EXIT_RECORDS)
                ia2_die("%s: too many destructors", module->descriptor->name);
            module->has_fini = 1;
            fini->d_un.d_ptr = (uintptr_t)entries[1] - info->dlpi_addr;
        }
        ia2_sys_change(low, (size_t)(high - low), PROT_READ);
    }
}

void ia2_exit_run_array(int id)
{
    if (id < 1 || (uint32_t)id > ia2_state.count)
        return;
    const struct ia2_module *module = &ia2_state.module[id];
    for (uint32_t i = module->exit_count; i-- > 0;) /* last entry first (gABI 5.5.2) */
        ia2_exit_run_index(module->exit_first + i, ia2_exit_status());
}

void ia2_exit_run_fini(int id)
{
    if (id >= 1 && (uint32_t)id <= ia2_state.count && ia2_state.module[id].has_fini)
        ia2_exit_run_index(ia2_state.module[id].exit_fini, ia2_exit_status());
}
