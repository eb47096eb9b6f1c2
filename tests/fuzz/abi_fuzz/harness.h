/* What both sides of a generated call do around it. All of it is static: each compartment has its own.
 *
 * `images` holds, for each object that is passed, its bytes and then which bits of them mean something. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define KEPT_PATTERN 0x5ec0de5ec0de0000ul
#define ROUNDING(id) (((id) & 3) << 13)       /* of MXCSR */
#define X87_ROUNDING(id) (((id) & 3) << 10)

/* The registers that a callee keeps (ABI 3.2.1), filled for the time of the call; rbp is the caller's frame pointer. (Clang has the values
 * in them at the call only from -O1 on; without, it keeps them in memory, and sees nothing.) */
#define PLANT(id) \
    struct machine machine; \
    before(id, &machine); \
    register unsigned long k0 __asm__("rbx") = KEPT_PATTERN + (id); \
    register unsigned long k1 __asm__("r12") = KEPT_PATTERN + (id) + 1; \
    register unsigned long k2 __asm__("r13") = KEPT_PATTERN + (id) + 2; \
    register unsigned long k3 __asm__("r14") = KEPT_PATTERN + (id) + 3; \
    register unsigned long k4 __asm__("r15") = KEPT_PATTERN + (id) + 4; \
    __asm__ volatile("" : "+r"(k0), "+r"(k1), "+r"(k2), "+r"(k3), "+r"(k4))
#define KEPT(id) \
    __asm__ volatile("" : "+r"(k0), "+r"(k1), "+r"(k2), "+r"(k3), "+r"(k4)); \
    k0 -= KEPT_PATTERN + (id); \
    k1 -= KEPT_PATTERN + (id) + 1; \
    k2 -= KEPT_PATTERN + (id) + 2; \
    k3 -= KEPT_PATTERN + (id) + 3; \
    k4 -= KEPT_PATTERN + (id) + 4; \
    after(id, &machine, k0, k1, k2, k3, k4)
#define LOAD(x, at) __builtin_memcpy(&(x), images + (at), sizeof(x))
/* A received argument, or one that was passed and must be what it was. */
#define CHECK(id, what, n, x, at) check(id, what, n, &(x), sizeof(x), __alignof__(x), at)
#define ENTRY(id) \
    __attribute__((aligned(16))) char aligned_local[16]; \
    entry(id, aligned_local)
#define TRASH(x) trash(&(x), sizeof(x))
#define SLOT(T) struct { unsigned char low[48]; T value; unsigned char high[48]; } slot; memset(&slot, 0x3c, sizeof(slot))
#define SLOT_KEPT(id) canaries(id, slot.low, slot.high)

struct machine {
    unsigned mxcsr;
    unsigned short x87;
};
static unsigned long digest = 14695981039346656037ul, calls;

#define TELL(id, ...) \
    do { \
        dprintf(1, "MISMATCH %d %s: ", id, PART == 1 ? "app" : "lib"); \
        dprintf(1, __VA_ARGS__); \
        dprintf(1, "\n"); \
    } while (0)

static inline unsigned mxcsr_now(void) {
    unsigned value;
    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value & 0xffc0;
}
static inline unsigned short x87_now(void) {
    unsigned short value;
    __asm__ volatile("fnstcw %0" : "=m"(value));
    return value;
}
static inline unsigned x87_used(void) {
    struct { unsigned words[7]; } environment;
    __asm__ volatile("fnstenv %0\n\tfldenv %0" : "+m"(environment));
    return (unsigned short)~environment.words[2];
}
static inline int backwards(void) {
    unsigned long flags;
    __asm__ volatile("pushfq\n\tpop %0" : "=r"(flags));
    return flags >> 10 & 1;
}

__attribute__((noinline, unused)) static void before(int id, struct machine *machine) {
    machine->mxcsr = mxcsr_now();
    machine->x87 = x87_now();
    const unsigned mxcsr = (machine->mxcsr & 0x9fff) | ROUNDING(id);
    const unsigned short x87 = (unsigned short)((machine->x87 & 0xf3ff) | X87_ROUNDING(id));
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" :: "m"(mxcsr), "m"(x87));
}

__attribute__((noinline, unused)) static void after(int id, const struct machine *machine, unsigned long rbx, unsigned long r12,
                                                    unsigned long r13, unsigned long r14, unsigned long r15) {
    if (rbx | r12 | r13 | r14 | r15)
        TELL(id, "callee-saved registers differ by rbx %#lx, r12 %#lx, r13 %#lx, r14 %#lx, r15 %#lx", rbx, r12, r13, r14, r15);
    if ((mxcsr_now() ^ machine->mxcsr ^ ROUNDING(id)) & ~0x6000u || (mxcsr_now() & 0x6000) != ROUNDING(id))
        TELL(id, "MXCSR is %#x after the call, was %#x", mxcsr_now(), (machine->mxcsr & 0x9fff) | ROUNDING(id));
    if (x87_now() != ((machine->x87 & 0xf3ff) | X87_ROUNDING(id)))
        TELL(id, "the x87 control word is %#x after the call, was %#x", x87_now(), (machine->x87 & 0xf3ff) | X87_ROUNDING(id));
    if (x87_used())
        TELL(id, "x87 registers are in use after the call: %#x", x87_used());
    if (backwards())
        TELL(id, "the direction flag is set after the call");
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1\n\tcld" :: "m"(machine->mxcsr), "m"(machine->x87));
}

__attribute__((noinline, unused)) static void entry(int id, const char *local) {
    calls++;
    if ((unsigned long)local % 16)
        TELL(id, "the stack is misaligned in the callee: %p", (const void *)local);
    /* As the caller has it, or as a program starts: a gate keeps control words from crossing. */
    const int is_callers = (mxcsr_now() & 0x6000) == ROUNDING(id) && (x87_now() & 0xc00) == X87_ROUNDING(id);
    if (!is_callers && (mxcsr_now() != 0x1f80 || x87_now() != 0x37f))
        TELL(id, "rounding in the callee: MXCSR %#x, x87 %#x", mxcsr_now(), x87_now());
    if (x87_used())
        TELL(id, "x87 registers are in use in the callee: %#x", x87_used());
    if (backwards())
        TELL(id, "the direction flag is set in the callee");
}

__attribute__((noinline, unused)) static void check(int id, const char *what, int n, const void *object, unsigned long size,
                                                    unsigned long align, unsigned long at) {
    const unsigned char *const seen = object, *const want = images + at, *const mask = want + size;
    if ((unsigned long)object % align)
        TELL(id, "%s %d is at %p, should be aligned to %lu", what, n, object, align);
    for (unsigned long i = 0; i < size; i++)
        digest = (digest ^ (seen[i] & mask[i])) * 1099511628211ul;
    for (unsigned long i = 0; i < size; i++)
        if ((seen[i] ^ want[i]) & mask[i]) {
            TELL(id, "%s %d, byte %lu of %lu: is %#x, should be %#x", what, n, i, size, seen[i] & mask[i], want[i] & mask[i]);
            return;
        }
}

__attribute__((noinline, unused)) static void trash(void *object, unsigned long size) {
    memset(object, 0xa5, size);
}

__attribute__((noinline, unused)) static void canaries(int id, const unsigned char *low, const unsigned char *high) {
    for (int i = 0; i < 48; i++)
        if (low[i] != 0x3c || high[i] != 0x3c) {
            TELL(id, "memory %s the result was written", low[i] != 0x3c ? "below" : "above");
            return;
        }
}

__attribute__((unused)) static void total(int group) {
    dprintf(1, "%s %d: %lu calls, digest %016lx\n", PART == 1 ? "app" : "lib", group, calls, digest);
}
