#define _GNU_SOURCE
#include "load/plugin_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dangerous_code.h"
#include "base/die.h"
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
            if (dynamic[n].d_tag == DT_INIT || dynamic[n].d_tag == DT_INIT_ARRAY ||
                dynamic[n].d_tag == DT_TEXTREL)
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
            size_t length = ia2_dangerous_code(code + n, ph->p_filesz - n), listed = !length;
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
        !(first->plugin_keys & 1u << descriptor->id) || descriptor->id != key)
        return "it has the key of another compartment";
    const char *reason = wrong_segments(image);
    return reason ? reason : wrong_code(image);
}

const char *ia2_plugin_file_open(const char *path, uint32_t key, struct ia2_plugin_file *file)
{
    struct stat status;
    *file = (struct ia2_plugin_file){NULL, 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? NULL : "it cannot be read";
    struct image image = {NULL, 0, NULL, NULL};
    const char *reason = "it cannot be read";
    if (!fstat(fd, &status) && S_ISREG(status.st_mode) && status.st_size > 0) {
        image.size = (size_t)status.st_size;
        void *bytes = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED) {
            image.bytes = bytes;
            reason = wrong(&image, key);
            *file = (struct ia2_plugin_file){bytes, image.size};
        }
    }
    close(fd);
    return reason;
}

void ia2_plugin_file_close(struct ia2_plugin_file *file)
{
    if (file->bytes)
        munmap((void *)file->bytes, file->size);
    file->bytes = NULL;
}

/* ---- what ld.so mapped ---------------------------------------------------------------------- */

/* A line of /proc/self/maps: START-END RIGHTS OFFSET MAJOR:MINOR INODE PATH. The file of a mapping
 * is MAJOR, MINOR and INODE; file systems in layers may say other numbers in fstat. */
struct mapping {
    uint64_t start, end, major, minor, inode;
};

/* Reads one character at a time. */
struct reader {
    int fd;
    size_t at, filled;
    char bytes[4096];
};

static int next(struct reader *reader)
{
    if (reader->at == reader->filled) {
        ssize_t n;
        do
            n = read(reader->fd, reader->bytes, sizeof(reader->bytes));
        while (n < 0 && errno == EINTR);
        if (n <= 0)
            return -1;
        reader->filled = (size_t)n;
        reader->at = 0;
    }
    return (unsigned char)reader->bytes[reader->at++];
}

/* A number up to a character that is no digit; that character. */
static int read_number(struct reader *reader, unsigned base, uint64_t *number)
{
    for (*number = 0;;) {
        int c = next(reader);
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)c - '0'
                         : c >= 'a' && c <= 'f' ? (unsigned)c - 'a' + 10
                                                : base;
        if (digit >= base)
            return c;
        *number = *number * base + digit;
    }
}

static int skip_to(struct reader *reader, int wanted)
{
    int c;
    do
        c = next(reader);
    while (c >= 0 && c != wanted);
    return c;
}

static int read_mapping(struct reader *reader, struct mapping *mapping)
{
    int c;
    if (read_number(reader, 16, &mapping->start) != '-' ||
        read_number(reader, 16, &mapping->end) != ' ' || skip_to(reader, ' ') < 0 ||
        skip_to(reader, ' ') < 0 || read_number(reader, 16, &mapping->major) != ':' ||
        read_number(reader, 16, &mapping->minor) != ' ')
        return 0;
    c = read_number(reader, 10, &mapping->inode);
    return c == '\n' || skip_to(reader, '\n') >= 0;
}

/* Whether two addresses are mapped from one file. */
static int is_one_file(uint64_t first, uint64_t second)
{
    struct reader reader = {.fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)};
    struct mapping mapping, found[2] = {{.inode = 0}, {.inode = 0}};
    if (reader.fd < 0)
        ia2_die("cannot read /proc/self/maps, which says what file a plugin was loaded from (%s); "
                "mount /proc",
                strerrorname_np(errno));
    while (read_mapping(&reader, &mapping)) {
        if (first >= mapping.start && first < mapping.end)
            found[0] = mapping;
        if (second >= mapping.start && second < mapping.end)
            found[1] = mapping;
    }
    close(reader.fd);
    return found[0].inode && found[0].inode == found[1].inode && found[0].major == found[1].major &&
           found[0].minor == found[1].minor;
}

const char *ia2_plugin_file_mapped_wrong(const struct ia2_plugin_file *file, uint32_t key,
                                         const void *mapped)
{
    struct image image = {file->bytes, file->size, NULL, NULL};
    if (!file->bytes || !is_one_file((uint64_t)(uintptr_t)file->bytes, (uint64_t)(uintptr_t)mapped))
        return "another file came into its place while it was loaded";
    return wrong(&image, key);
}
