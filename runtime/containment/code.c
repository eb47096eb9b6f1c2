#define _GNU_SOURCE
#include "containment/code.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/dangerous_code.h"
#include "base/die.h"
#include "memory/mappings.h"
#include "state/state.h"
#include "state/system_calls.h"

static int is_code(uintptr_t address)
{
    return ia2_mapping_owner(address) == IA2_MAPPING_LATE;
}

/* Whether there is such an instruction in [start, end), or across its borders with code that is
 * there already. */
static int is_dangerous(uintptr_t start, uintptr_t end)
{
    uintptr_t from = is_code(start - 1) ? start - 16 : start, to = is_code(end) ? end + 16 : end;
    for (uintptr_t at = from; at < to; at++)
        if (ia2_dangerous_code((const unsigned char *)at, to - at))
            return 1;
    return 0;
}

static long fill(uintptr_t at, size_t size, int fd, off_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, (void *)(at + done), size - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (!n)
            break; /* the rest of the last page is zeros */
        done += (size_t)n;
    }
    return 0;
}

/* A plugin's gates need such instructions. Its code does not run before it is a compartment
 * (load/plugins.c). */
static int is_plugin(int fd)
{
    struct stat status;
    const struct ia2_code_file *file =
        fstat(fd, &status) ? NULL : ia2_code_file(status.st_dev, status.st_ino);
    return file && file->is_plugin;
}

long ia2_code_map(const struct ia2_call *call)
{
    const uint64_t *a = call->argument;
    int flags = (int)(uint32_t)a[3], prot = (int)(uint32_t)a[2];
    size_t size = (a[1] + IA2_PAGE - 1) & -IA2_PAGE;
    if (prot & PROT_WRITE || flags & MAP_ANONYMOUS || (flags & MAP_TYPE) != MAP_PRIVATE)
        return ia2_denied(call, IA2_CALL_MEMORY, "code comes from files, and nobody writes it");
    /* Under the monitor's key until it was searched. */
    long at = ia2_sys_map((void *)a[0], size, PROT_NONE,
                          (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) | MAP_PRIVATE | MAP_ANONYMOUS,
                          -1, 0);
    if (at < 0)
        return at;
    ia2_mapping_remove((uintptr_t)at, size);
    long r = ia2_sys_protect((void *)at, size, PROT_READ | PROT_WRITE, IA2_KEY_MONITOR);
    if (!r)
        r = fill((uintptr_t)at, size, (int)a[4], (off_t)a[5]);
    int plugin = is_plugin((int)a[4]);
    if (!r && !plugin && is_dangerous((uintptr_t)at, (uintptr_t)at + size))
        r = ia2_denied(call, IA2_CALL_MEMORY,
                       "the file has an instruction that sets PKRU or the thread pointer");
    if (!r)
        r = ia2_mapping_add((uintptr_t)at, size, plugin ? IA2_MAPPING_PLUGIN : IA2_MAPPING_LATE);
    if (!r)
        r = ia2_sys_protect((void *)at, size, plugin ? PROT_READ : PROT_READ | PROT_EXEC, 0);
    if (r) {
        ia2_mapping_remove((uintptr_t)at, size);
        ia2_sys_unmap((void *)at, size);
        return r;
    }
    return at;
}
