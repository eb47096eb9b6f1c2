#define _GNU_SOURCE
#include "permissive/vector_reads.h"

#include <string.h>

#define VECTOR 64 /* bytes; AVX-512 */
#define AHEAD (4 * VECTOR) /* loops of libc load four at a time */

/* What this thread's last violation read. One call reads an object with one stack pointer; its
 * first load is executed once in a call, so it begins the next call. */
static __thread struct {
    struct ia2_memory memory;
    uintptr_t start, end, sp, first_load, caller;
    int accessor, owner;
} last __attribute__((tls_model("initial-exec")));

/* Whether the instruction has a vector operand: VEX, EVEX, or an SSE opcode. */
static int is_vector_instruction(const uint8_t *code)
{
    while (*code == 0x66 || *code == 0xf2 || *code == 0xf3 || *code == 0x64 || *code == 0x65)
        code++;
    if (*code == 0xc4 || *code == 0xc5 || *code == 0x62)
        return 1;
    if ((*code & 0xf0) == 0x40) /* REX */
        code++;
    if (*code != 0x0f)
        return 0;
    uint8_t opcode = code[1];
    if (opcode == 0x38 || opcode == 0x3a)
        return 1;
    return (opcode >= 0x10 && opcode <= 0x17) || (opcode >= 0x28 && opcode <= 0x2f) ||
           (opcode >= 0x50 && opcode <= 0x7f) || opcode == 0xc2 ||
           (opcode >= 0xc4 && opcode <= 0xc6) || opcode >= 0xd0;
}

static int has_extent(const struct ia2_memory *memory)
{
    return memory->size && (!strcmp(memory->kind, "heap") || !strcmp(memory->kind, "global"));
}

/* A load from an aligned address below the object, whose address the function was given. */
static int reaches_argument(const ucontext_t *context, const struct ia2_read *read,
                            struct ia2_memory *found)
{
    static const int arguments[] = {REG_RDI, REG_RSI};
    for (unsigned i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        uintptr_t argument = (uintptr_t)context->uc_mcontext.gregs[arguments[i]];
        if (argument <= read->address || argument - read->address >= VECTOR)
            continue;
        ia2_memory_kind(argument, read->owner, found);
        if (has_extent(found) && argument - found->offset > read->address) {
            found->offset += read->address - argument;
            return 1;
        }
    }
    return 0;
}

void ia2_vector_read(const ucontext_t *context, const struct ia2_read *read,
                     struct ia2_memory *memory)
{
    const greg_t *r = context->uc_mcontext.gregs;
    uintptr_t load = (uintptr_t)r[REG_RIP], sp = (uintptr_t)r[REG_RSP];
    struct ia2_memory given;
    int vector = is_vector_instruction((const uint8_t *)load),
        same_call = last.sp == sp && last.caller == read->caller &&
                    last.accessor == read->accessor && last.owner == read->owner &&
                    last.first_load != load,
        near = same_call &&
               (read->address - last.end < AHEAD || last.start - 1 - read->address < VECTOR - 1);
    if (same_call && read->address - last.start < last.end - last.start)
        return;
    if (vector && near) {
        *memory = last.memory;
        memory->offset = read->address - last.start;
        return;
    }
    if (vector && reaches_argument(context, read, &given))
        *memory = given;
    last.memory = *memory;
    last.start = has_extent(memory) ? read->address - memory->offset : 0;
    last.end = has_extent(memory) ? last.start + memory->size : 0;
    last.sp = has_extent(memory) ? sp : 0;
    last.first_load = load;
    last.caller = read->caller;
    last.accessor = read->accessor;
    last.owner = read->owner;
}
