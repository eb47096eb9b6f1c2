/* Every register a call gate could leave something in. The assembly (planting.S) knows these offsets. */
#ifndef MACHINE_STATE_H
#define MACHINE_STATE_H

#define STATE_FLAGS 128
#define STATE_MXCSR 136
#define STATE_X87_CONTROL 140
#define STATE_MASKS 192
#define STATE_VECTORS 256
#define STATE_SIZE (256 + 32 * 64)

#ifndef __ASSEMBLER__
#include <stdint.h>

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

struct machine_state {
    uint64_t integer[16];
    uint64_t flags;
    uint32_t mxcsr;
    uint16_t x87_control, pad;
    uint64_t unused[6];
    uint64_t mask[8];
    uint64_t vector[32][8];
};
_Static_assert(sizeof(struct machine_state) == STATE_SIZE, "layout");
_Static_assert(__builtin_offsetof(struct machine_state, mask) == STATE_MASKS, "layout");
_Static_assert(__builtin_offsetof(struct machine_state, vector) == STATE_VECTORS, "layout");

/* In shared memory: what a callee found when it was entered, what it leaves, what the caller loaded and got back. */
struct register_exchange {
    int width; /* 0 SSE, 1 AVX, 2 AVX-512 */
    int hostile; /* the callee keeps no register, not even those its own gate relies on */
    struct machine_state loaded, entered, left, returned;
};
extern struct register_exchange exchange;

/* Loads exchange.loaded into every register but %rsp, calls function, and stores all in exchange.returned. The
 * 16 words of \a stack are the call's stack arguments. */
void planted_call(void (*function)(void), const uint64_t *stack);
#endif
#endif
