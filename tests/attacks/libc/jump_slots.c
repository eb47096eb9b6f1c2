/* class: libc
 * source: libc's .got.plt is writable: the IRELATIVE slots of memcpy, strlen, ...
 * tries: to make every slot the payload
 * must: have them read-only before a compartment runs
 * expect: stopped */
#include "attack.h"
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

ATTACK
{
    struct link_map *map = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    const Elf64_Rela *first = NULL;
    word size = 0;
    if (!map)
        cannot("libc is not found");
    for (const Elf64_Dyn *d = map->l_ld; d->d_tag; d++) {
        if (d->d_tag == DT_JMPREL)
            first = (const Elf64_Rela *)d->d_un.d_ptr;
        if (d->d_tag == DT_PLTRELSZ)
            size = d->d_un.d_val;
    }
    for (const Elf64_Rela *r = first; (char *)r < (char *)first + size; r++)
        *(volatile word *)(map->l_addr + r->r_offset) = (word)payload;
    victim_call(PRINT, 5, 0);
    victim_call(OPEN_NULL, 1, 0);
}
