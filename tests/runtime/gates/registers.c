/* registers SHAPE [hostile]: plants a secret in every register, calls, and looks at what the callee sees and what comes back. */
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ia2.h"
#include "machine_state.h"

/* share exchange */
struct register_exchange exchange IA2_SHARED_DATA = {0};

void see_nothing(void);
void see_ints(void);
void see_all(void);
void see_stack(void);
void see_memory(void);
void see_pair(void);
void see_doubles(void);

static const struct shape {
    const char *name;
    void (*function)(void);
    int args_int, args_sse, ret_int, ret_sse, stack_words, memory;
} shapes[] = {
    {"nothing", see_nothing, 0, 0, 0, 0, 0, 0},  {"ints", see_ints, 3, 1, 1, 0, 0, 0},
    {"all", see_all, 6, 8, 2, 2, 0, 0},          {"stack", see_stack, 6, 8, 0, 0, 15, 0},
    {"memory", see_memory, 1, 0, 1, 0, 0, 40},   {"pair", see_pair, 1, 0, 1, 1, 0, 0},
    {"doubles", see_doubles, 0, 3, 0, 2, 0, 0},
};
static const char *const names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"};
static const int argument_order[6] = {RDI, RSI, RDX, RCX, R8, R9};
static int bad;

#define CALLER 0x5ec2e70000000000u
#define CALLEE 0x5ec2e7ca11ee0000u

static void plant(struct machine_state *state, uint64_t secret)
{
    for (int i = 0; i < 16; i++)
        state->integer[i] = secret + (uint64_t)i;
    for (int i = 0; i < 8; i++)
        state->mask[i] = secret + 0x100 + (uint64_t)i;
    for (int i = 0; i < 32; i++)
        for (int k = 0; k < 8; k++)
            state->vector[i][k] = secret + 0x200 + (uint64_t)(8 * i + k);
}

static int is_secret(uint64_t value)
{
    return value >> 40 == CALLER >> 40;
}

static void complain(const char *where, const char *name, uint64_t value)
{
    printf("%s: %s is %#llx\n", where, name, (unsigned long long)value);
    bad = 1;
}

/* Vectors but the first \a used hold nothing; those hold the low 16 bytes that were meant. */
static void check_vectors(const char *where, const struct machine_state *state, int used, uint64_t secret)
{
    char name[16];
    for (int i = 0; i < (exchange.width == 2 ? 32 : 16); i++)
        for (int k = 0; k < (exchange.width == 2 ? 8 : exchange.width == 1 ? 4 : 2); k++) {
            uint64_t want = i < used && k < 2 ? secret + 0x200 + (uint64_t)(8 * i + k) : 0;
            snprintf(name, sizeof(name), "zmm%d[%d]", i, k);
            if (state->vector[i][k] != want)
                complain(where, name, state->vector[i][k]);
        }
    for (int i = 0; exchange.width == 2 && i < 8; i++) {
        snprintf(name, sizeof(name), "k%d", i);
        if (state->mask[i])
            complain(where, name, state->mask[i]);
    }
}

static void check_entered(const struct shape *shape)
{
    const struct machine_state *s = &exchange.entered;
    int argument[16] = {0};
    for (int i = 0; i < shape->args_int; i++)
        argument[argument_order[i]] = 1;
    for (int i = 0; i < 16; i++) {
        if (i == RSP || (i == RDI && shape->memory))
            continue;
        if (argument[i] ? s->integer[i] != CALLER + (uint64_t)i : is_secret(s->integer[i]))
            complain("callee", names[i], s->integer[i]);
    }
    /* What is left must not lead into the caller: its stack, its result buffer. */
    if (shape->memory && s->integer[RDI] == exchange.loaded.integer[RDI])
        complain("callee", "rdi", s->integer[RDI]);
    check_vectors("callee", s, shape->args_sse, CALLER);
    if (s->flags & 0x400)
        complain("callee", "DF", s->flags);
}

static void check_returned(const struct shape *shape)
{
    static const int kept[] = {RBX, RBP, R12, R13, R14, R15};
    const struct machine_state *s = &exchange.returned;
    for (unsigned i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (s->integer[kept[i]] != CALLER + (uint64_t)kept[i])
            complain("caller", names[kept[i]], s->integer[kept[i]]);
    static const int scratch[] = {RCX, RSI, RDI, R8, R9, R10, R11};
    for (unsigned i = 0; i < sizeof(scratch) / sizeof(scratch[0]); i++)
        if (s->integer[scratch[i]] >> 16 == CALLEE >> 16)
            complain("caller", names[scratch[i]], s->integer[scratch[i]]);
    uint64_t rax = shape->memory ? exchange.loaded.integer[RDI] : shape->ret_int >= 1 ? CALLEE + RAX : 0;
    if (s->integer[RAX] != rax)
        complain("caller", "rax", s->integer[RAX]);
    if (s->integer[RDX] != (shape->ret_int >= 2 ? CALLEE + RDX : 0))
        complain("caller", "rdx", s->integer[RDX]);
    check_vectors("caller", s, shape->ret_sse, CALLEE);
    if (s->flags & 0x400)
        complain("caller", "DF", s->flags);
    if ((s->mxcsr ^ exchange.loaded.mxcsr) & 0xffc0)
        complain("caller", "mxcsr", s->mxcsr);
}

int main(int argc, char **argv)
{
    unsigned a, b, c, d;
    uint64_t stack[16];
    static unsigned char buffer[64];
    const struct shape *shape = NULL;
    for (unsigned i = 0; argc > 1 && i < sizeof(shapes) / sizeof(shapes[0]); i++)
        if (!strcmp(argv[1], shapes[i].name))
            shape = &shapes[i];
    if (!shape)
        return 2;
    exchange.hostile = argc > 2;
    exchange.width = __builtin_cpu_supports("avx512bw") ? 2 : __builtin_cpu_supports("avx") ? 1 : 0;
    __get_cpuid(1, &a, &b, &c, &d);
    plant(&exchange.loaded, CALLER);
    plant(&exchange.left, CALLEE);
    exchange.loaded.mxcsr = 0x1f80;
    exchange.left.mxcsr = 0xff80; /* round to zero, flush to zero */
    exchange.loaded.x87_control = exchange.left.x87_control = 0x37f;
    exchange.loaded.flags = 0x202; /* the ABI has DF clear at a call */
    exchange.left.flags = 0x202;
    if (shape->memory)
        exchange.loaded.integer[RDI] = (uint64_t)buffer;
    for (int i = 0; i < 16; i++)
        stack[i] = CALLER + 0x1000 + (uint64_t)i;
    planted_call(shape->function, stack);
    check_entered(shape);
    check_returned(shape);
    printf("width %d %s\n", exchange.width, bad ? "leaks" : "clean");
    if (exchange.hostile) { /* it has spoilt its own stack, so its destructors cannot run */
        fflush(stdout);
        _exit(bad);
    }
    return bad;
}
