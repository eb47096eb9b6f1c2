#define _GNU_SOURCE
#include "state/note.h"

#include <link.h>
#include <string.h>

#include "state/descriptor.h"

const char *ia2_find_note(const struct dl_phdr_info *info, uint32_t type)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_NOTE)
            continue;
        const char *at = (const char *)(info->dlpi_addr + ph->p_vaddr), *end = at + ph->p_memsz;
        while (at + sizeof(ElfW(Nhdr)) < end) {
            const ElfW(Nhdr) *note = (const ElfW(Nhdr) *)at;
            const char *name = (const char *)(note + 1),
                       *desc = name + ((note->n_namesz + 3) & -4u);
            if (note->n_namesz == 4 && !memcmp(name, "IA2", 4) && note->n_type == type)
                return desc;
            at = desc + ((note->n_descsz + 3) & -4u);
        }
    }
    return NULL;
}

const struct ia2_compartment_descriptor *ia2_find_descriptor(const struct dl_phdr_info *info)
{
    const char *desc = ia2_find_note(info, IA2_NOTE_COMPARTMENT);
    int64_t distance = 0;
    if (desc)
        memcpy(&distance, desc, sizeof(distance));
    return desc ? (const struct ia2_compartment_descriptor *)(desc + distance) : NULL;
}
