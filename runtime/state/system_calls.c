#define _GNU_SOURCE
#include "state/system_calls.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "state/state.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* Linux 5.18: also in programs that call mlockall */
#endif

int ia2_sys_alloc_keys(void)
{
    for (int i = 1; i < IA2_MAX_COMPARTMENTS; i++) {
        int key = pkey_alloc(0, 0);
        if (key < 0)
            return -errno;
        if (key != i)
            return -EBUSY; /* the kernel hands out the lowest free key */
    }
    return 0;
}

int ia2_sys_protect(void *start, size_t size, int prot, int key)
{
    int r = ia2_state.pkeys ? pkey_mprotect(start, size, prot, key) : mprotect(start, size, prot);
    return r ? -errno : 0;
}

int ia2_sys_empty(void *start, size_t size)
{
    return madvise(start, size, MADV_DONTNEED) &&
                   (errno != EINVAL || madvise(start, size, MADV_DONTNEED_LOCKED))
               ? -errno
               : 0;
}

void *ia2_sys_reserve(size_t size, size_t align)
{
    char *p =
        mmap(NULL, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    char *start = (char *)(((uintptr_t)p + align - 1) & -align);
    if (start > p)
        munmap(p, (size_t)(start - p));
    size_t tail = (size_t)(p + align - start);
    if (tail)
        munmap(start + size, tail);
    return start;
}
