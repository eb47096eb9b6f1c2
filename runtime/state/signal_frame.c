#define _GNU_SOURCE
#include "state/signal_frame.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "state/addresses.h"
#include "state/monitor.h"
#include "state/state.h"
#include "state/system_calls.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif

#define PKRU_FEATURE (1u << 9)
#define XSTATE_HEADER 512

/* Where PKRU is, if XSAVE stored it. */
static char *place(const ucontext_t *context)
{
    /* struct _fpx_sw_bytes at byte 464 of the FXSAVE area (arch/x86/include/uapi/asm/sigcontext.h).
     */
    char *area = (char *)context->uc_mcontext.fpregs;
    uint32_t magic;
    uint64_t features;
    memcpy(&magic, area + 464, sizeof(magic));
    memcpy(&features, area + 472, sizeof(features));
    if (magic != 0x46505853 || !(features & PKRU_FEATURE))
        ia2_die("signal frame without PKRU");
    return area + ia2_state.pkru_offset;
}

uint32_t ia2_frame_pkru(const ucontext_t *context)
{
    if (!ia2_state.pkeys)
        return ia2_virtual_pkru;
    const char *at = place(context);
    uint64_t present;
    uint32_t pkru;
    /* PKRU may be in its initial state (0), which XSAVE need not store. */
    memcpy(&present, (char *)context->uc_mcontext.fpregs + XSTATE_HEADER, sizeof(present));
    memcpy(&pkru, at, sizeof(pkru));
    return present & PKRU_FEATURE ? pkru : 0;
}

void ia2_frame_set_pkru(ucontext_t *context, uint32_t pkru)
{
    if (!ia2_state.pkeys)
        return;
    char *at = place(context), *header = (char *)context->uc_mcontext.fpregs + XSTATE_HEADER;
    uint64_t present;
    memcpy(&present, header, sizeof(present));
    present |= PKRU_FEATURE;
    memcpy(header, &present, sizeof(present));
    memcpy(at, &pkru, sizeof(pkru));
}

/* struct rt_sigframe of x86-64: the return address, the kernel's struct ucontext, siginfo. libc's
 * ucontext_t begins as the kernel's and goes on after it. */
#define CONTEXT 8
#define CONTEXT_SIZE 304
#define INFO (CONTEXT + CONTEXT_SIZE)
#define REGISTERS (CONTEXT + 40) /* after uc_stack */
_Static_assert(offsetof(ucontext_t, uc_mcontext) == REGISTERS - CONTEXT, "layout");
_Static_assert(offsetof(ucontext_t, uc_sigmask) + 8 == CONTEXT_SIZE, "layout");

#define MAGIC1 0x46505853

/* The compartment that runs on the thread; 0 if none does. */
static int runs(const struct ia2_thread_record *record)
{
    for (int key = 1; record->fsbase && key <= (int)ia2_state.count; key++)
        if (ia2_is_running(record, key))
            return key;
    return 0;
}

static void check_own(int key, const char *start, size_t size)
{
    if (!ia2_is_free_for(key, (uintptr_t)start, size))
        ia2_die("a signal frame in memory of another compartment");
}

void ia2_frame_take(const struct ia2_thread_record *record, char *at, struct ia2_frame *frame,
                    int anywhere)
{
    uintptr_t end = record->first_low;
    int key = anywhere ? runs(record) : 0;
    if (anywhere) {
        check_own(key, at, INFO + sizeof(frame->info));
        end = UINTPTR_MAX;
    }
    memset(&frame->context, 0, sizeof(frame->context));
    memcpy(&frame->context, at + CONTEXT, CONTEXT_SIZE);
    memcpy(&frame->info, at + INFO, sizeof(frame->info));
    frame->xsave_size = 0;
    char *from = (char *)frame->context.uc_mcontext.fpregs;
    if (from) {
        uint32_t sizes[2] = {0, 0}; /* magic and size, struct _fpx_sw_bytes */
        if (anywhere)
            check_own(key, from, XSTATE_HEADER);
        if (from > at && (uintptr_t)from < end && end - (uintptr_t)from >= XSTATE_HEADER)
            memcpy(sizes, from + 464, sizeof(sizes));
        size_t size = sizes[0] == MAGIC1 ? sizes[1] : XSTATE_HEADER;
        if (size < XSTATE_HEADER || size > sizeof(frame->xsave) || end - (uintptr_t)from < size)
            ia2_die("a signal frame of unknown form");
        if (anywhere)
            check_own(key, from, size);
        memcpy(frame->xsave, from, size);
        frame->xsave_size = size;
        frame->context.uc_mcontext.fpregs = (fpregset_t)(void *)frame->xsave;
        if (!anywhere)
            memset(from, 0, size);
    }
    if (!anywhere)
        memset(at + CONTEXT, 0, INFO - CONTEXT + sizeof(frame->info));
    if (frame->info.si_signo < 1 || frame->info.si_signo >= _NSIG ||
        (anywhere && (!ia2_state.contained || frame->info.si_signo != SIGSYS ||
                      frame->info.si_code != SYS_SECCOMP)))
        ia2_die("the signal entry was not entered by the kernel");
}

/* The page border lies between uc_stack and the registers. */
char *ia2_frame_put(const struct ia2_thread_record *record, struct ia2_frame *frame)
{
    size_t slot = (size_t)(record - ia2_state.thread);
    char *border = (char *)ia2_state.frames + slot * IA2_FRAME_BUFFER + IA2_PAGE,
         *at = border - REGISTERS, *xsave = border + 512;
    memcpy(xsave, frame->xsave, frame->xsave_size);
    if (frame->xsave_size)
        frame->context.uc_mcontext.fpregs = (fpregset_t)(void *)xsave;
    memcpy(at + CONTEXT, &frame->context, CONTEXT_SIZE);
    return at;
}

int ia2_frame_prepare(uint32_t slot)
{
    return ia2_sys_protect((char *)ia2_state.frames + slot * IA2_FRAME_BUFFER, IA2_PAGE,
                           PROT_READ | PROT_WRITE, IA2_KEY_STATE);
}
