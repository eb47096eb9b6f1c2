/* A zone: what one compartment has of the stacks of one thread. The top of the zone has two words
 * that gates trust, frames lie below, and the signal zone is the lowest part.
 *
 * Only the zone's own compartment can write any of this. Gates (gates/) read and write the same
 * memory; their numbers are generated from this file. */
#ifndef IA2_ZONE_H
#define IA2_ZONE_H

#include <stdint.h>

/* Offset, from the top of a zone, of the word that says where the compartment's next frame goes.
 *
 * Suspended or idle: the stack pointer at which the next frame starts (0: never entered).
 * Running: the bitwise complement of the value to restore when the current call returns. A sign
 * test tells the two apart.
 *
 * The frame of a suspended compartment holds the word of the call that it interrupted. The calls in
 * progress are therefore a chain, which only the compartment can write. Jumps follow the chain. */
#define IA2_SUSPENDED_SP (-16)

/* Offset, from the top, of the count of signals that have interrupted the compartment. */
#define IA2_SIGNAL_DEPTH (-24)

/* Offset, from the top, of the first frame. */
#define IA2_FIRST_FRAME (-64)

/* The frame of a call that leaves a compartment. It lies at the stack pointer at which the
 * compartment is suspended. If a signal suspended the compartment, only `running` is valid. */
struct ia2_gate_frame {
    const struct ia2_gate_descriptor *gate;
    void *result; /* the caller's buffer for a result in memory */
    uint32_t mxcsr;
    uint16_t x87_control, unused;
    uint64_t running; /* the word at IA2_SUSPENDED_SP before this call */
    uint64_t saved[6]; /* r15, r14, r13, r12, rbx, rbp */
    uint64_t return_address;
    uint64_t arguments[]; /* those that the caller passed on the stack */
};

/* While a signal has interrupted the compartment, its frames go to the signal zone. The signal zone
 * lies a guard page below the stack and has one part for each depth of interruption. */
#define IA2_SIGNAL_DEPTHS 4
#define IA2_SIGNAL_ZONE_SHIFT 16
#define IA2_SIGNAL_ZONE (IA2_SIGNAL_DEPTHS << IA2_SIGNAL_ZONE_SHIFT)
#define IA2_SIGNAL_GUARD 4096

/* A thread has two more stacks between its shared stack and its first one. On the lower one key 0
 * runs while a signal has interrupted it. The kernel writes its signal frames to the upper one. */
#define IA2_KEY0_SIGNAL_STACK (64 * 1024ul)
#define IA2_SIGNAL_FRAMES (64 * 1024ul)

#endif
