/* The system calls that change memory, its rights, threads and signals, in one place.
 *
 * Where system calls are contained (containment/filter.h), the kernel lets these through only with
 * a secret word, the cookie, in argument bits that it ignores itself. The monitor has the cookie in
 * memory that it alone reads; here it is in a register while the call lasts. With other rights, and
 * before there are compartments, the calls go without it.
 *
 * All are async-signal-safe and thread-safe. Those that return a long or an int return what the
 * kernel does: a negative errno if they failed. On a CPU without protection keys the key is left
 * out. */
#ifndef IA2_SYSTEM_CALLS_H
#define IA2_SYSTEM_CALLS_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Any call of at most five arguments. */
long ia2_sys(long number, long a, long b, long c, long d, long e);
/* mmap(2). */
long ia2_sys_map(void *at, size_t size, int prot, int flags, int fd, off_t offset);

/* Allocates all keys: those that no compartment has are then nobody else's either.
 * -ENOSYS/-EINVAL/-ENOSPC: no keys here, or some are taken. */
int ia2_sys_alloc_keys(void);
/* Puts [start, start+size) under \a key with \a prot. Both page-aligned. */
int ia2_sys_protect(void *start, size_t size, int prot, int key);
/* The same, and the key stays. */
int ia2_sys_change(void *start, size_t size, int prot);
/* Makes anonymous memory zeros, also what the caller may not write. Page-aligned. */
int ia2_sys_empty(void *start, size_t size);
int ia2_sys_unmap(void *start, size_t size);
int ia2_sys_advise(void *start, size_t size, int advice);
/* Anonymous memory of \a size bytes at a multiple of \a align (a power of two >= page), not
 * readable yet. NULL if there is none. */
void *ia2_sys_reserve(size_t size, size_t align);

/* openat(2) in the current folder, for reading; with O_CLOEXEC. */
int ia2_sys_open(const char *path);

/* The kernel's struct sigaction (arch/x86/include/uapi/asm/signal.h). */
struct ia2_kernel_action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

/* sigaction(2), sigaltstack(2). */
int ia2_sys_action(int number, const struct sigaction *act, struct sigaction *old);
int ia2_sys_signal_stack(const stack_t *stack);

#endif
