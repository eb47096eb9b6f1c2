#define _GNU_SOURCE
#include "signals.h"

#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <ucontext.h>

#include "state.h"

static uint32_t *frame_pkru(ucontext_t *context)
{
    if (!ia2_state.pkeys)
        return NULL;
    /* struct _fpx_sw_bytes at byte 464 of the FXSAVE area (arch/x86/include/uapi/asm/sigcontext.h). */
    char *area = (char *)context->uc_mcontext.fpregs;
    uint32_t magic;
    uint64_t features;
    memcpy(&magic, area + 464, sizeof(magic));
    memcpy(&features, area + 472, sizeof(features));
    if (magic != 0x46505853 || !(features & (1u << 9)))
        ia2_die("signal frame without PKRU");
    return (uint32_t *)(area + ia2_state.pkru_offset);
}

/* PKRU may be in its initial state (0), which XSAVE need not store. */
static uint32_t interrupted_pkru(ucontext_t *context)
{
    uint32_t *at = frame_pkru(context);
    if (!at)
        return ia2_virtual_pkru;
    uint64_t present;
    memcpy(&present, (char *)context->uc_mcontext.fpregs + 512, sizeof(present));
    return present & (1u << 9) ? *at : 0;
}

/* The compartment whose frames lie below the interrupted stack pointer, -1 if none: in the middle of a gate
 * PKRU and stack may be of two compartments, and then both have said where they stand. */
static int running_compartment(uint32_t pkru, uint64_t sp, const struct ia2_thread_record *record)
{
    int key = ia2_compartment_of_pkru(pkru);
    if (key < 1 || sp > record->top[key] || sp < record->top[key] - record->zone_size)
        return -1;
    return key;
}

static void run_handler(int number, siginfo_t *info, ucontext_t *context, uint32_t pkru)
{
    const struct ia2_thread_record *record = ia2_this_thread();
    struct ia2_signal action = ia2_state.signal[number];
    if (!record)
        ia2_die("signal %d on a thread that the runtime did not start", number);
    if (action.owner < 1 || action.owner > ia2_state.count)
        return;
    uint64_t sp = (uint64_t)context->uc_mcontext.gregs[REG_RSP] - 128; /* the red zone, ABI 3.2.2 */
    int running = running_compartment(pkru, sp, record);
    uint64_t *nobody_sp = (uint64_t *)(record->top[0] + (uint64_t)(int64_t)IA2_SUSPENDED_SP);
    uint64_t saved = *nobody_sp;
    if (running > 0)
        ia2_state.module[running].descriptor->suspend(sp);
    ia2_state.module[action.owner].descriptor->signal(number, info, context);
    if (running > 0)
        ia2_state.module[running].descriptor->resume();
    *nobody_sp = saved;
}

/* The kernel comes here with only key 0 open, on the thread's signal stack. */
static void enter(int number, siginfo_t *info, void *opaque)
{
    ucontext_t *context = opaque;
    int saved_errno = errno;
    uint32_t pkru = interrupted_pkru(context);
    if (!ia2_state.pkeys)
        ia2_virtual_pkru = IA2_PKRU_0;
    if ((number == SIGSEGV || number == SIGBUS) && info->si_code > 0 && ia2_violation_report(info, context, pkru)) {
        /* Returning repeats the fault, now with nobody to catch it: the process dies by the signal itself. */
        struct sigaction dfl = {.sa_handler = SIG_DFL};
        sigaction(number, &dfl, NULL);
    } else if (ia2_state.signal[number].owner) {
        run_handler(number, info, context, pkru);
    } else if (info->si_code > 0) {
        struct sigaction dfl = {.sa_handler = SIG_DFL};
        sigaction(number, &dfl, NULL);
    }
    if (!ia2_state.pkeys)
        ia2_virtual_pkru = pkru;
    errno = saved_errno;
}

int ia2_signal_set(int owner, int number, const struct sigaction *act, struct sigaction *old)
{
    if (number < 1 || number >= _NSIG) {
        errno = EINVAL;
        return -1;
    }
    struct ia2_signal before = ia2_state.signal[number], now = {0};
    struct sigaction raw, raw_old;
    if (act) {
        raw = *act;
        /* SA_RESETHAND, SA_NODEFER ... stay the kernel's; SIG_DFL and SIG_IGN are no code. */
        if (act->sa_handler != SIG_DFL && act->sa_handler != SIG_IGN) {
            now.handler = act->sa_sigaction;
            now.owner = (uint32_t)owner;
            now.flags = (uint32_t)act->sa_flags;
            raw.sa_sigaction = enter;
            raw.sa_flags |= SA_SIGINFO | SA_ONSTACK;
        } else if (number == SIGSEGV && act->sa_handler == SIG_DFL) {
            raw.sa_sigaction = enter;
            raw.sa_flags |= SA_SIGINFO | SA_ONSTACK;
        }
        ia2_state_write(&ia2_state.signal[number], &now, sizeof(now));
    }
    if (sigaction(number, act ? &raw : NULL, &raw_old)) {
        if (act)
            ia2_state_write(&ia2_state.signal[number], &before, sizeof(before));
        return -1;
    }
    if (old) {
        *old = raw_old;
        if (raw_old.sa_sigaction == enter && raw_old.sa_flags & SA_SIGINFO) {
            old->sa_sigaction = before.handler; /* NULL is SIG_DFL: the runtime's own SIGSEGV handler */
            old->sa_flags = (int)before.flags;
        }
    }
    return 0;
}

void ia2_signals_start(void)
{
    unsigned a, b, c, d;
    if (ia2_state.pkeys && __get_cpuid_count(0xd, 9, &a, &b, &c, &d))
        IA2_STATE_SET(ia2_state.pkru_offset, b);
    struct sigaction act = {.sa_sigaction = enter, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&act.sa_mask);
    struct sigaction old;
    if (!sigaction(SIGSEGV, NULL, &old) && old.sa_handler == SIG_DFL)
        sigaction(SIGSEGV, &act, NULL);
}
