#define _GNU_SOURCE
#include "memory/mappings.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "state/addresses.h"
#include "state/monitor.h"
#include "state/state.h"
#include "state/system_calls.h"

int ia2_mapping_may_change(int key, uintptr_t start, size_t size)
{
    uintptr_t end = (start + size + IA2_PAGE - 1) & -IA2_PAGE;
    start &= -IA2_PAGE;
    if (end < start || !ia2_is_free_for(key, start, end - start))
        return 0;
    for (uint32_t i = 0; i < ia2_state.mappings; i++) {
        const struct ia2_mapping *mapping = &ia2_state.mapping[i];
        if (mapping->owner >= IA2_MAPPING_CODE && mapping->start < end && start < mapping->end)
            return 0;
    }
    return 1;
}

int ia2_mapping_has_late_code(uintptr_t start, size_t size)
{
    for (uint32_t i = 0; i < ia2_state.mappings; i++)
        if (ia2_state.mapping[i].owner >= IA2_MAPPING_PLUGIN &&
            ia2_state.mapping[i].start < start + size && start < ia2_state.mapping[i].end)
            return 1;
    return 0;
}

int ia2_mapping_add(uintptr_t start, size_t size, uint32_t owner)
{
    int r = 0;
    ia2_lock(&ia2_state.mapping_lock);
    if (ia2_state.mappings == IA2_MAPPINGS)
        r = -ENOMEM;
    else
        ia2_state.mapping[ia2_state.mappings++] =
            (struct ia2_mapping){start, (start + size + IA2_PAGE - 1) & -IA2_PAGE, owner};
    ia2_unlock(&ia2_state.mapping_lock);
    return r;
}

void ia2_mapping_remove(uintptr_t start, size_t size)
{
    uintptr_t end = (start + size + IA2_PAGE - 1) & -IA2_PAGE;
    ia2_lock(&ia2_state.mapping_lock);
    for (uint32_t i = 0; i < ia2_state.mappings;) {
        struct ia2_mapping *mapping = &ia2_state.mapping[i], was = *mapping;
        if (was.end <= start || was.start >= end) {
            i++;
            continue;
        }
        if (was.start < start && was.end > end) { /* a hole */
            mapping->end = start;
            if (ia2_state.mappings == IA2_MAPPINGS)
                ia2_die("too many mappings (%d)", IA2_MAPPINGS);
            ia2_state.mapping[ia2_state.mappings++] = (struct ia2_mapping){end, was.end, was.owner};
            break;
        }
        if (was.start < start)
            mapping->end = start, i++;
        else if (was.end > end)
            mapping->start = end, i++;
        else
            *mapping = ia2_state.mapping[--ia2_state.mappings];
    }
    ia2_unlock(&ia2_state.mapping_lock);
}

uint32_t ia2_mapping_owner(uintptr_t address)
{
    for (uint32_t i = 0; i < ia2_state.mappings; i++)
        if (address >= ia2_state.mapping[i].start && address < ia2_state.mapping[i].end)
            return ia2_state.mapping[i].owner;
    return 0;
}

int ia2_mapping_open_plugin(struct ia2_range text)
{
    for (uint32_t i = 0; i < ia2_state.mappings; i++) {
        struct ia2_mapping *mapping = &ia2_state.mapping[i];
        if (mapping->owner != IA2_MAPPING_PLUGIN || !ia2_is_in(&text, mapping->start))
            continue;
        int r = ia2_sys_change((void *)mapping->start, mapping->end - mapping->start,
                               PROT_READ | PROT_EXEC);
        if (r)
            return r;
        mapping->owner = IA2_MAPPING_LATE;
    }
    return 0;
}

/* ---- at start ------------------------------------------------------------------------------- */

const struct ia2_code_file *ia2_code_file(uint64_t device, uint64_t inode)
{
    for (uint32_t i = 0; i < ia2_state.code_files; i++)
        if (ia2_state.code_file[i].device == device && ia2_state.code_file[i].inode == inode)
            return &ia2_state.code_file[i];
    return NULL;
}

static void add_code_file(const char *path, int is_plugin)
{
    struct stat status;
    if (stat(path, &status) || ia2_code_file(status.st_dev, status.st_ino))
        return;
    if (ia2_state.code_files == IA2_CODE_FILES)
        ia2_die("more than %d libraries", IA2_CODE_FILES);
    ia2_state.code_file[ia2_state.code_files++] =
        (struct ia2_code_file){status.st_dev, status.st_ino, (uint64_t)is_plugin};
}

void ia2_code_file_add_plugin(const char *path)
{
    add_code_file(path, 1);
}

static void add_code(uintptr_t start, uintptr_t end)
{
    if (ia2_mapping_add(start, end - start, IA2_MAPPING_CODE))
        ia2_die("too many mappings at the start (%d)", IA2_MAPPINGS);
}

static int add_library(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    uintptr_t low = UINTPTR_MAX, high = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + ph->p_vaddr, end = start + ph->p_memsz;
        if (ph->p_type != PT_LOAD)
            continue;
        low = start < low ? start : low;
        high = end > high ? end : high;
    }
    if (high)
        add_code(low & -IA2_PAGE, (high + IA2_PAGE - 1) & -IA2_PAGE);
    return 0;
}

/* One line of /proc/self/maps: START-END rwxp OFFSET MAJOR:MINOR INODE   PATH. */
static void take_line(char *line)
{
    uintptr_t bound[2] = {0, 0};
    char *at = line;
    for (int i = 0; i < 2; i++, at++)
        for (; (*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f'); at++)
            bound[i] = bound[i] * 16 + (uintptr_t)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
    const char *rights = at;
    char *path = strpbrk(at, "/[");
    if (rights[2] == 'x' && path && *path == '/')
        add_code_file(path, 0);
    if (path && !strcmp(path, "[heap]"))
        ia2_state.heap_end = bound[0];
    int is_heap = bound[0] >> IA2_GRANULE_SHIFT < IA2_GRANULES &&
                  ia2_state.owner[bound[0] >> IA2_GRANULE_SHIFT] != IA2_OWNER_NONE;
    if (path ? strcmp(path, "[heap]") != 0 : rights[1] != 'w' && !is_heap)
        add_code(bound[0], bound[1]);
}

void ia2_mappings_begin(void)
{
    char text[4096], *end;
    size_t filled = 0;
    ssize_t n;
    dl_iterate_phdr(add_library, NULL);
    int fd = ia2_sys_open("/proc/self/maps");
    if (fd < 0)
        ia2_die("cannot read /proc/self/maps, which says what is mapped (%s); mount /proc",
                strerrorname_np(-fd));
    ia2_state.heap_end = (uintptr_t)sbrk(0);
    while ((n = read(fd, text + filled, sizeof(text) - 1 - filled)) > 0) {
        filled += (size_t)n;
        text[filled] = 0;
        while ((end = memchr(text, '\n', filled))) {
            *end = 0;
            take_line(text);
            filled -= (size_t)(end + 1 - text);
            memmove(text, end + 1, filled + 1);
        }
        if (filled == sizeof(text) - 1)
            ia2_die("a line of /proc/self/maps is too long");
    }
    close(fd);
}
