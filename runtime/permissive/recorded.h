/* Permissive programs: the same compartments, keys and gates, but a violation is recorded and let
 * through. Nothing is enforced in such a program.
 *
 * It is another runtime, libia2_permissive.so and libia2_compartment_permissive.a, made of the same
 * sources with IA2_PERMISSIVE and of this folder. Which runtime a program has is decided when it is
 * linked, and is written in each compartment's descriptor. In the runtime that enforces, the hooks
 * in the headers of this folder are empty: there is no code in it that somebody could switch on.
 *
 * Here: what is recorded without a fault. */
#ifndef IA2_PERMISSIVE_RECORDED_H
#define IA2_PERMISSIVE_RECORDED_H

#include <stddef.h>
#include <stdint.h>

#if IA2_PERMISSIVE

/* Start-up, once there are keys: opens the log, says that nothing is enforced. Aborts if the log
 * cannot be written. */
void ia2_permissive_start(void);

/* IA2_CALL with a value that is no gate, or (\a is_gate) one of another type. 1: recorded, to be
 * called all the same. */
int ia2_permissive_call(const void *target, const void *from, int is_gate);

/* A block of another heap is freed or resized, by \a function of libc, called from \a from. 1:
 * recorded. \a size gets the block's, 0 if it is not known. */
int ia2_permissive_foreign_block(void *block, const char *function, size_t *size, const void *from);

/* The caller, \a from, is about to give [address, address + size) to the kernel, which enforces its
 * rights but says only EFAULT. If it has none there this is recorded as an access of \a function of
 * libc, and everything is opened. Gives the PKRU to go back to. */
uint32_t ia2_permissive_lend(const char *function, const void *address, size_t size, int write,
                             const void *from);
void ia2_permissive_take_back(uint32_t pkru);

#else

static inline void ia2_permissive_start(void) {}
static inline int ia2_permissive_call(const void *target, const void *from, int is_gate)
{
    (void)target, (void)from, (void)is_gate;
    return 0;
}
static inline int ia2_permissive_foreign_block(void *block, const char *function, size_t *size,
                                               const void *from)
{
    (void)block, (void)function, (void)size, (void)from;
    return 0;
}

#endif

#endif
