#define _GNU_SOURCE
#include "load/plugin_file.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state/state.h"

struct image {
    const unsigned char *bytes;
    size_t size;
    const Elf64_Ehdr *header;
    const Elf64_Phdr *segments;
};

static const void *at(const struct image *image, uint64_t offset, uint64_t size)
{
    return offset <= image->size && size <= image->size - offset ? image->bytes + offset : NULL;
}

/* The bytes that will be at an address. */
static const void *loaded(const struct image *image, uint64_t address, uint64_t size)
{
    for (int i = 0; i < image->header->e_phnum; i++) {
        const Elf64_Phdr *ph = &image->segments[i];
        if (ph->p_type == PT_LOAD && address >= ph->p_vaddr &&
            address - ph->p_vaddr <= ph->p_filesz && size <= ph->p_filesz - (address - ph->p_vaddr))
            return at(image, ph->p_offset + (address - ph->p_vaddr), size);
    }
    return NULL;
}

static int read_headers(struct image *image)
{
    image->header = at(image, 0, sizeof(*image->header));
    if (!image->header || memcmp(image->header->e_ident, ELFMAG, SELFMAG) ||
        image->header->e_ident[EI_CLASS] != ELFCLASS64 || image->header->e_type != ET_DYN ||
        image->header->e_phentsize != sizeof(Elf64_Phdr))
        return 0;
    image->segments =
        at(image, image->header->e_phoff, (uint64_t)image->header->e_phnum * sizeof(Elf64_Phdr));
    return image->segments != NULL;
}

static const struct ia2_compartment_descriptor *find_descriptor(const struct image *image)
{
    for (int i = 0; i < image->header->e_phnum; i++) {
        const Elf64_Phdr *ph = &image->segments[i];
        const char *notes = ph->p_type == PT_NOTE ? loaded(image, ph->p_vaddr, ph->p_filesz) : NULL;
        for (uint64_t offset = 0; notes && offset + sizeof(Elf64_Nhdr) <= ph->p_filesz;) {
            const Elf64_Nhdr *note = (const Elf64_Nhdr *)(notes + offset);
            uint64_t desc = offset + sizeof(*note) + ((note->n_namesz + 3ul) & -4ul),
                     next = desc + ((note->n_descsz + 3ul) & -4ul);
            int64_t distance;
            if (next > ph->p_filesz)
                break;
            if (note->n_namesz == 4 && !memcmp(note + 1, "IA2", 4) &&
                note->n_type == IA2_NOTE_COMPARTMENT && note->n_descsz == sizeof(distance)) {
                memcpy(&distance, notes + desc, sizeof(distance));
                return loaded(image, ph->p_vaddr + desc + (uint64_t)distance,
                              sizeof(struct ia2_compartment_descriptor));
            }
            offset = next;
        }
    }
    return NULL;
}

/* What ld.so would run or lay out before the runtime has the compartment. */
static const char *wrong_segments(const struct image *image)
{
    for (int i = 0; i < image->header->e_phnum; i++) {
        const Elf64_Phdr *ph = &image->segments[i];
        if (ph->p_type == PT_TLS)
            return "its thread-local storage is not in a carrier";
        if (ph->p_flags & PF_X &&
            ((ph->p_type == PT_LOAD && ph->p_flags & PF_W) || ph->p_type == PT_GNU_STACK))
            return "it wants writable memory to be executable";
        if (ph->p_type != PT_DYNAMIC)
            continue;
        const Elf64_Dyn *dynamic = loaded(image, ph->p_vaddr, ph->p_filesz);
        for (size_t n = 0;
             dynamic && n < ph->p_filesz / sizeof(*dynamic) && dynamic[n].d_tag != DT_NULL; n++)
            if (dynamic[n].d_tag == DT_INIT_ARRAY || dynamic[n].d_tag == DT_TEXTREL)
                return "ld.so would run its constructors, or change its code, before it has its "
                       "key";
    }
    return NULL;
}

/* The section `ia2_sites`: where the instructions are that its gates need. */
static const struct ia2_site *find_sites(const struct image *image, uint64_t *address,
                                         size_t *count)
{
    const Elf64_Ehdr *header = image->header;
    const Elf64_Shdr *sections =
        at(image, header->e_shoff, (uint64_t)header->e_shnum * sizeof(*sections));
    if (!sections || header->e_shentsize != sizeof(*sections) ||
        header->e_shstrndx >= header->e_shnum)
        return NULL;
    const Elf64_Shdr *names = &sections[header->e_shstrndx];
    for (int i = 0; i < header->e_shnum; i++) {
        const char *name = at(image, names->sh_offset + sections[i].sh_name, sizeof("ia2_sites"));
        if (name && !memcmp(name, "ia2_sites", sizeof("ia2_sites"))) {
            *address = sections[i].sh_addr;
            *count = sections[i].sh_size / sizeof(struct ia2_site);
            return at(image, sections[i].sh_offset, sections[i].sh_size);
        }
    }
    return NULL;
}

/* Length of a WRPKRU, an XRSTOR from memory, or a WRFSBASE with or without REX, at \a code; 0 if it
 * is none. The audit looks for the same. */
static size_t dangerous(const unsigned char *code, size_t left)
{
    if (left >= 3 && code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xef)
        return 3;
    if (left >= 3 && code[0] == 0x0f && code[1] == 0xae && (code[2] >> 3 & 7) == 5 &&
        code[2] >> 6 != 3)
        return 3;
    if (left >= 4 && code[0] == 0xf3) {
        size_t rex = code[1] >> 4 == 4;
        if (left >= 4 + rex && code[1 + rex] == 0x0f && code[2 + rex] == 0xae &&
            code[3 + rex] >> 3 == 0xd0 >> 3)
            return 4 + rex;
    }
    return 0;
}

static const char *wrong_code(const struct image *image)
{
    uint64_t address = 0;
    size_t count = 0;
    const struct ia2_site *sites = find_sites(image, &address, &count);
    for (int i = 0; i < image->header->e_phnum; i++) {
        const Elf64_Phdr *ph = &image->segments[i];
        const unsigned char *code = ph->p_type == PT_LOAD && ph->p_flags & PF_X
                                        ? at(image, ph->p_offset, ph->p_filesz)
                                        : NULL;
        for (size_t n = 0; code && n < ph->p_filesz; n++) {
            size_t length = dangerous(code + n, ph->p_filesz - n), listed = !length;
            for (size_t s = 0; sites && !listed && s < count; s++) {
                uint64_t start = address + s * sizeof(*sites) + (uint64_t)(int64_t)sites[s].offset;
                listed =
                    ph->p_vaddr + n >= start && ph->p_vaddr + n + length <= start + sites[s].length;
            }
            if (!listed)
                return "it has an instruction that sets PKRU or the thread pointer outside of its "
                       "gates";
        }
    }
    return NULL;
}

static const char *wrong(struct image *image, uint32_t key)
{
    const struct ia2_compartment_descriptor *first = ia2_state.module[1].descriptor;
    const struct ia2_compartment_descriptor *descriptor =
        read_headers(image) ? find_descriptor(image) : NULL;
    if (!descriptor)
        return "it is no compartment";
    if (descriptor->count != first->count || descriptor->plugin_keys != first->plugin_keys ||
        memcmp(descriptor->pkru, first->pkru, sizeof(first->pkru)))
        return "it was built from another policy than the program";
    if (descriptor->id < 1 || descriptor->id > first->count ||
        !(first->plugin_keys & 1u << descriptor->id) || (key && descriptor->id != key))
        return "it has the key of another compartment";
    const char *reason = wrong_segments(image);
    return reason ? reason : wrong_code(image);
}

const char *ia2_plugin_file_wrong(const char *path, uint32_t key)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return "it cannot be read";
    struct image image = {NULL, 0, NULL, NULL};
    const char *reason = "it cannot be read";
    if (!fstat(fd, &status) && S_ISREG(status.st_mode) && status.st_size > 0) {
        image.size = (size_t)status.st_size;
        void *bytes = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) {
            image.bytes = bytes;
            reason = wrong(&image, key);
            munmap(bytes, image.size);
        }
    }
    close(fd);
    return reason;
}
