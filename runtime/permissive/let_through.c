/* A violation is let through by letting the thread execute one instruction with every key open: the
 * kernel takes PKRU and the trap flag from the signal frame, and the SIGTRAP after the instruction
 * puts both back. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "state/signal_frame.h"
#include "permissive/let_through.h"
#include "state/state.h"
#include "permissive/violation_log.h"

#ifndef SEGV_PKUERR
#define SEGV_PKUERR 4
#endif
#define TRAP_FLAG (1 << 8)
#define DIRECTION_FLAG (1 << 10)

/* The instruction that this thread executes with all keys open. Nothing else happens on the thread
 * in between, except signals, and those end the step: the instruction then faults once more. */
static __thread struct {
    uint64_t instruction;
    uint32_t pkru;
    int active, trapped; /* trapped: the program itself had set the trap flag */
} step __attribute__((tls_model("initial-exec")));

static void end_step(ucontext_t *context)
{
    step.active = 0;
    ia2_frame_set_pkru(context, step.pkru);
    if (!step.trapped)
        context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
}

static void begin_step(ucontext_t *context, uint32_t pkru)
{
    greg_t *r = context->uc_mcontext.gregs;
    step.instruction = (uint64_t)r[REG_RIP];
    step.pkru = pkru;
    step.trapped = (r[REG_EFL] & TRAP_FLAG) != 0;
    step.active = 1;
    r[REG_EFL] |= TRAP_FLAG;
    ia2_frame_set_pkru(context, 0);
}

/* ---- string instructions -------------------------------------------------------------------- */

struct string_instruction {
    int stores; /* STOS rather than MOVS */
    unsigned width, length;
};

/* REP MOVS and REP STOS without segment or address-size prefix: what compilers and libc use. */
static int is_string_instruction(const uint8_t *code, struct string_instruction *found)
{
    unsigned at = 0, width = 4, rep = 0;
    for (; at < 4 && (code[at] == 0xf3 || code[at] == 0x66); at++) {
        rep |= code[at] == 0xf3;
        width = code[at] == 0x66 ? 2 : width;
    }
    if ((code[at] & 0xf8) == 0x48)
        width = 8, at++;
    uint8_t opcode = code[at++];
    if (!rep || ((opcode & ~1) != 0xa4 && (opcode & ~1) != 0xaa))
        return 0;
    *found = (struct string_instruction){(opcode & ~1) == 0xaa, opcode & 1 ? width : 1, at};
    return 1;
}

/* Copies as remote memory: the kernel then looks at the pages' rights but not at their keys. */
static size_t move_remote(uint64_t to, const void *from, uint64_t from_remote, size_t size,
                          char *buffer)
{
    struct iovec local = {buffer, size}, remote = {(void *)from_remote, size};
    if (from)
        local.iov_base = (void *)from;
    else {
        ssize_t got = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
        if (got <= 0)
            return 0;
        local.iov_len = (size_t)got;
    }
    remote = (struct iovec){(void *)to, local.iov_len};
    ssize_t put = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
    return put > 0 ? (size_t)put : 0;
}

/* A step of REP MOVS is one iteration, so a large copy would be millions of signals: this does as
 * much of it as there are pages for. 0: nothing, take the step. */
static int copy_string(ucontext_t *context)
{
    greg_t *r = context->uc_mcontext.gregs;
    struct string_instruction it;
    if (r[REG_EFL] & (DIRECTION_FLAG | TRAP_FLAG) ||
        !is_string_instruction((const uint8_t *)r[REG_RIP], &it))
        return 0;
    char buffer[4096];
    int some = 0;
    if (it.stores)
        for (size_t i = 0; i < sizeof(buffer); i += it.width)
            memcpy(buffer + i, &r[REG_RAX], it.width);
    while (r[REG_RCX]) {
        uint64_t to = (uint64_t)r[REG_RDI], from = (uint64_t)r[REG_RSI],
                 left = (uint64_t)r[REG_RCX];
        size_t size = left < sizeof(buffer) / it.width ? left * it.width : sizeof(buffer);
        /* Bytes that this very copy makes are copied again, so one piece must not reach them. */
        if (!it.stores && to > from && to - from < size)
            size = (to - from) / it.width * it.width;
        size_t done =
            size ? move_remote(to, it.stores ? buffer : NULL, from, size, buffer) / it.width : 0;
        if (!done)
            return some;
        some = 1;
        r[REG_RDI] += (greg_t)(done * it.width);
        r[REG_RSI] += it.stores ? 0 : (greg_t)(done * it.width);
        r[REG_RCX] -= (greg_t)done;
    }
    r[REG_RIP] += it.length;
    return 1;
}

/* ---- the handler ---------------------------------------------------------------------------- */

int ia2_permissive_fault(int number, const siginfo_t *info, ucontext_t *context)
{
    if (step.active) {
        int done = number == SIGTRAP && info->si_code == TRAP_TRACE;
        /* Still there: a string instruction, of which a step is one iteration. */
        if (done && (uint64_t)context->uc_mcontext.gregs[REG_RIP] == step.instruction)
            return 1;
        end_step(context);
        if (done && !step.trapped)
            return 1;
    }
    if (!ia2_state.pkeys || number != SIGSEGV || info->si_code != SEGV_PKUERR)
        return 0;
    uint32_t pkru = ia2_frame_pkru(context);
    if (ia2_violation_log_access(info, context, pkru))
        return 1;
    if (!copy_string(context))
        begin_step(context, pkru);
    return 1;
}
