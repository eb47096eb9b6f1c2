#define _GNU_SOURCE
#include "base/lock.h"
#include "permissive/objects.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define OBJECTS 256

static struct ia2_object objects[OBJECTS];
static _Atomic size_t object_count; /* those below never change again */
static struct ia2_lock lock = IA2_LOCK(IA2_RANK_OBJECTS);

static int inside(size_t offset, size_t size, size_t whole)
{
    return offset <= whole && size <= whole - offset;
}

/* .symtab if there is one, else .dynsym. The mapping stays. */
static void read_symbols(struct ia2_object *object)
{
    int fd = open(object->path, O_RDONLY | O_CLOEXEC);
    struct stat file;
    if (fd < 0)
        return;
    const char *image = fstat(fd, &file)
                            ? MAP_FAILED
                            : mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (image == MAP_FAILED)
        return;
    size_t size = (size_t)file.st_size;
    const Elf64_Ehdr *head = (const Elf64_Ehdr *)image;
    if (size < sizeof(*head) || memcmp(head->e_ident, ELFMAG, SELFMAG) ||
        !inside(head->e_shoff, head->e_shnum * sizeof(Elf64_Shdr), size))
        return;
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(image + head->e_shoff), *best = NULL;
    for (unsigned i = 0; i < head->e_shnum; i++)
        if (sections[i].sh_type == SHT_SYMTAB || (sections[i].sh_type == SHT_DYNSYM && !best))
            best = &sections[i];
    if (!best || best->sh_link >= head->e_shnum || !inside(best->sh_offset, best->sh_size, size))
        return;
    const Elf64_Shdr *strings = &sections[best->sh_link];
    if (!inside(strings->sh_offset, strings->sh_size, size) || !strings->sh_size ||
        image[strings->sh_offset + strings->sh_size - 1])
        return;
    object->symbols = image + best->sh_offset;
    object->symbol_count = best->sh_size / sizeof(Elf64_Sym);
    object->strings = image + strings->sh_offset;
    object->strings_size = strings->sh_size;
}

static int add_object(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    struct ia2_object object = {.base = info->dlpi_addr, .low = UINTPTR_MAX};
    char path[PATH_MAX];
    size_t count = object_count;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_LOAD)
            continue;
        uintptr_t start = info->dlpi_addr + ph->p_vaddr, end = start + ph->p_memsz;
        object.low = start < object.low ? start : object.low;
        object.high = end > object.high ? end : object.high;
        if (ph->p_flags & PF_X)
            object.code = start, object.code_end = end;
    }
    for (size_t i = 0; i < count; i++)
        if (objects[i].base == object.base && objects[i].low == object.low)
            return 0;
    if (count == OBJECTS ||
        !realpath(info->dlpi_name && *info->dlpi_name ? info->dlpi_name : "/proc/self/exe", path) ||
        strlen(path) >= sizeof(object.path))
        return 0; /* the vDSO has no file */
    strcpy(object.path, path);
    read_symbols(&object);
    objects[count] = object;
    object_count = count + 1;
    return 0;
}

void ia2_permissive_objects(void)
{
    ia2_lock(&lock);
    dl_iterate_phdr(add_object, NULL);
    ia2_unlock(&lock);
}

const struct ia2_object *ia2_object_at(uintptr_t address)
{
    /* The last one first: what was unloaded may have had the addresses before. */
    for (size_t i = object_count; i--;)
        if (address >= objects[i].low && address < objects[i].high)
            return &objects[i];
    return NULL;
}

int ia2_symbol_at(const struct ia2_object *object, uintptr_t address, struct ia2_symbol *symbol)
{
    const Elf64_Sym *table = (const Elf64_Sym *)object->symbols;
    for (size_t i = 0; i < object->symbol_count; i++) {
        const Elf64_Sym *s = &table[i];
        unsigned type = ELF64_ST_TYPE(s->st_info);
        if ((type != STT_FUNC && type != STT_OBJECT) || s->st_shndx == SHN_UNDEF ||
            s->st_name >= object->strings_size)
            continue;
        uintptr_t start = object->base + s->st_value;
        if (address < start || address >= start + (s->st_size ? s->st_size : 1))
            continue;
        *symbol = (struct ia2_symbol){object->strings + s->st_name, start, s->st_size};
        return 1;
    }
    return 0;
}
