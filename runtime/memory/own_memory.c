#define _GNU_SOURCE
#include "memory/own_memory.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "memory/mappings.h"
#include "state/monitor.h"
#include "state/state.h"
#include "state/system_calls.h"

struct wish {
    void *hint;
    size_t size;
    off_t offset;
    int prot, flags, fd, unused;
};

/* Nobody can reach the memory before it has its key. */
static long map(const struct wish *wish, int key)
{
    int fixed = (wish->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
    size_t size = (wish->size + IA2_PAGE - 1) & -IA2_PAGE;
    if (fixed && !ia2_mapping_may_change(key, (uintptr_t)wish->hint, size))
        return -EACCES;
    long at = ia2_sys_map(wish->hint, wish->size, PROT_NONE, wish->flags, wish->fd, wish->offset);
    if (at < 0 && at > -4096)
        return at;
    if (fixed)
        ia2_mapping_remove((uintptr_t)at, size);
    int r = ia2_sys_protect((void *)at, size, wish->prot, key);
    if (!r && ia2_state.contained)
        r = ia2_mapping_add((uintptr_t)at, size, (uint32_t)key);
    if (r) {
        ia2_sys_unmap((void *)at, size);
        return r;
    }
    return at;
}

long ia2_memory_mapped(long given, long unused1, long unused2, long unused3, int caller)
{
    (void)unused1, (void)unused2, (void)unused3;
    struct wish wish;
    ia2_monitor_copy_in(caller, &wish, (const void *)given, sizeof(wish));
    if (caller < 1 || caller > IA2_LAST_COMPARTMENT || wish.size > 1ul << 47 ||
        wish.flags & MAP_GROWSDOWN || (ia2_state.contained && wish.prot & PROT_EXEC))
        return -EACCES;
    ia2_lock(&ia2_state.memory_lock);
    long at = map(&wish, caller);
    ia2_unlock(&ia2_state.memory_lock);
    return at;
}

void *ia2_memory_map(void *hint, size_t size, int prot, int flags, int fd, off_t offset)
{
    struct wish wish = {hint, size, offset, prot, flags, fd, 0};
    long at = ia2_monitor(IA2_DO_MEMORY_MAP, (long)&wish, 0, 0, 0);
    if (at < 0 && at > -4096) {
        errno = (int)-at;
        return MAP_FAILED;
    }
    return (void *)at;
}
