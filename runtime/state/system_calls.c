#define _GNU_SOURCE
#include "state/system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "state/rights.h"
#include "state/state.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24 /* Linux 5.18: also in programs that call mlockall */
#endif

/* Where this code may read the cookie, or a zero. */
static const uint64_t *cookie(void)
{
    static const uint64_t none;
    return ia2_state.contained && ia2_read_pkru() == IA2_PKRU_MONITOR
               ? (const uint64_t *)ia2_state.cookie
               : &none;
}

/* The compiler never has the cookie in a register of its own, so it leaves it nowhere. */
long ia2_sys(long number, long a, long b, long c, long d, long e)
{
    const uint64_t *found = cookie(); /* a call changes the registers below */
    register const uint64_t *word __asm__("r12") = found;
    register long r10 __asm__("r10") = d, r8 __asm__("r8") = e;
    long result;
    __asm__ volatile("mov (%[word]), %%r9\n\t"
                     "syscall\n\t"
                     "xor %%r9d, %%r9d"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), [word] "r"(word)
                     : "rcx", "r9", "r11", "memory");
    return result;
}

long ia2_sys_map(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
    const uint64_t *found = cookie();
    register const uint64_t *word __asm__("r12") = found;
    register long r10 __asm__("r10") = flags, r8 __asm__("r8") = (uint32_t)fd,
                      r9 __asm__("r9") = offset;
    long result, third = (uint32_t)prot;
    __asm__ volatile("mov (%[word]), %%rcx\n\t"
                     "mov %%rcx, %%rax\n\t"
                     "shr $32, %%rax\n\t"
                     "shl $32, %%rax\n\t"
                     "or %%rax, %%rdx\n\t"
                     "shl $32, %%rcx\n\t"
                     "or %%rcx, %%r8\n\t"
                     "mov %[number], %%eax\n\t"
                     "syscall\n\t"
                     "xor %%edx, %%edx\n\t"
                     "xor %%r8d, %%r8d"
                     : "=&a"(result), "+d"(third), "+r"(r8)
                     : "D"(at), "S"(size), "r"(r10),
                       "r"(r9), [word] "r"(word), [number] "i"(SYS_mmap)
                     : "rcx", "r11", "memory");
    return result;
}

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
    return ia2_state.pkeys ? (int)ia2_sys(SYS_pkey_mprotect, (long)start, (long)size, prot, key, 0)
                           : ia2_sys_change(start, size, prot);
}

int ia2_sys_change(void *start, size_t size, int prot)
{
    return (int)ia2_sys(SYS_mprotect, (long)start, (long)size, prot, 0, 0);
}

int ia2_sys_advise(void *start, size_t size, int advice)
{
    return (int)ia2_sys(SYS_madvise, (long)start, (long)size, advice, 0, 0);
}

int ia2_sys_empty(void *start, size_t size)
{
    int r = ia2_sys_advise(start, size, MADV_DONTNEED);
    return r == -EINVAL ? ia2_sys_advise(start, size, MADV_DONTNEED_LOCKED) : r;
}

int ia2_sys_unmap(void *start, size_t size)
{
    return (int)ia2_sys(SYS_munmap, (long)start, (long)size, 0, 0, 0);
}

void *ia2_sys_reserve(size_t size, size_t align)
{
    long p = ia2_sys_map(NULL, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                         -1, 0);
    if (p < 0 && p > -4096)
        return NULL;
    char *start = (char *)(((uintptr_t)p + align - 1) & -align);
    if (start > (char *)p)
        ia2_sys_unmap((void *)p, (size_t)(start - (char *)p));
    size_t tail = (size_t)((char *)p + align - start);
    if (tail)
        ia2_sys_unmap(start + size, tail);
    return start;
}

int ia2_sys_open(const char *path)
{
    return (int)ia2_sys(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0);
}

#define HAS_RESTORER 0x04000000ul /* the kernel enters no handler without one */

/* For handlers on a thread without a record, which leave as any handler does. Where calls are
 * contained, the process ends here: it has no cookie. */
static __attribute__((naked)) void leave_handler(void)
{
    __asm__("mov $15, %eax\n\t" /* rt_sigreturn */
            "syscall");
}

int ia2_sys_action(int number, const struct sigaction *act, struct sigaction *old)
{
    struct ia2_kernel_action new = {0}, before = {0};
    if (act) {
        new = (struct ia2_kernel_action){act->sa_sigaction,
                                         (unsigned long)(unsigned)act->sa_flags | HAS_RESTORER,
                                         leave_handler, 0};
        memcpy(&new.mask, &act->sa_mask, sizeof(new.mask));
    }
    long r = ia2_sys(SYS_rt_sigaction, number, act ? (long)&new : 0, old ? (long)&before : 0,
                     sizeof(new.mask), 0);
    if (old && !r) {
        *old = (struct sigaction){.sa_sigaction = before.handler,
                                  .sa_flags = (int)(before.flags & ~HAS_RESTORER)};
        memcpy(&old->sa_mask, &before.mask, sizeof(before.mask));
    }
    return (int)r;
}

int ia2_sys_signal_stack(const stack_t *stack)
{
    return (int)ia2_sys(SYS_sigaltstack, (long)stack, 0, 0, 0, 0);
}
