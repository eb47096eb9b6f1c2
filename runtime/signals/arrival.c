#define _GNU_SOURCE
#include "signals/arrival.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "permissive/let_through.h"
#include "permissive/violation_log.h"
#include "signals/violations.h"
#include "state/addresses.h"
#include "base/die.h"
#include "containment/calls.h"
#include "signals/guard.h"
#include "signals/interrupted.h"
#include "state/compartment_name.h"
#include "state/monitor.h"
#include "state/rights.h"
#include "state/signal_frame.h"
#include "state/state.h"
#include "state/system_calls.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

uint64_t ia2_mask_bits(const sigset_t *set)
{
    uint64_t bits;
    memcpy(&bits, set, sizeof(bits));
    return bits;
}

static void set_mask(uint64_t bits)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &bits, NULL, sizeof(bits));
}

#define RED_ZONE 128 /* ABI 3.2.2 */
#define SIGSYS_BIT (1ul << (SIGSYS - 1)) /* system calls of handlers are trapped too */

/* The handler runs on its compartment's stack, where the kernel cannot put the frame of another
 * signal: what is left of the frames' stack below \a frame is armed for that. 0 if there is too
 * little left. */
static int arm_rest(const struct ia2_thread_record *record, const char *frame)
{
    char *low = (char *)record->first_low - IA2_SIGNAL_FRAMES;
    unsigned long least = getauxval(AT_MINSIGSTKSZ);
    size_t left = (size_t)(frame - RED_ZONE - low) & -64ul;
    uint64_t own = record->top[IA2_KEY_MONITOR] - IA2_MONITOR_STACK;
    if (left < (least ? least : 4096) ||
        (uint64_t)__builtin_frame_address(0) - own < 3 * sizeof(struct ia2_frame))
        return 0;
    stack_t rest = {.ss_sp = low, .ss_size = left, .ss_flags = (int)SS_AUTODISARM};
    return !ia2_sys_signal_stack(&rest);
}

/* The key of the compartment that was interrupted, 0 for key 0 alone, -1 for none. A gate that
 * copies memory has two keys: it runs for its owner, in whose code it is (ia2_gate_memory.S). */
static int interrupted_key(const ucontext_t *context, uint32_t pkru)
{
    int found = ia2_compartment_of_pkru(pkru);
    uintptr_t code = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    for (uint32_t key = 1; found < 0 && key <= ia2_state.count; key++)
        if (ia2_is_code_of((int)key, code))
            found = (int)key;
    return found;
}

#define TRAP_FLAG (1 << 8)
#define XSAVE_LEGACY \
    416 /* x87, MXCSR and XMM: what ucontext_t has names for (struct _libc_fpstate) */

/* The interrupted code goes on at \a place, with the rights \a pkru. */
static void redirect(ucontext_t *context, uint32_t pkru, void (*place)(void))
{
    greg_t *r = context->uc_mcontext.gregs;
    r[REG_RIP] = (greg_t)(uintptr_t)place;
    r[REG_EFL] &= ~(greg_t)(TRAP_FLAG | 1 << 10 | 1 << 18); /* with DF and AC */
    ia2_frame_set_pkru(context, pkru);
}

/* The gate that was taking a call to its callee, or back, when it was interrupted at \a code. NULL
 * if that is none's code. */
static const struct ia2_gate_code_range *gate_around(uintptr_t code)
{
    for (uint32_t key = 1; key <= ia2_state.count; key++) {
        const struct ia2_compartment_descriptor *d = ia2_state.module[key].descriptor;
        for (const struct ia2_gate_code_range *range = d ? d->code_ranges : NULL;
             d && range < d->code_ranges_end; range++)
            if (code - ((uintptr_t)range + (uintptr_t)(intptr_t)range->offset) < range->length)
                return range;
    }
    return NULL;
}

/* A thread has the rights of the compartment that runs, of key 0, or, in the middle of a gate, of
 * one that the gate connects. Whoever changed the frame, or jumped to a WRPKRU and was interrupted
 * right after it, has others: no handler runs then, and nothing goes on. */
static void check_rights(const struct ia2_thread_record *record, const ucontext_t *context,
                         uint32_t pkru)
{
    int key = interrupted_key(context, pkru), running = 0;
    uintptr_t code = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
    const struct ia2_gate_code_range *gate = gate_around(code);
    if (!ia2_state.pkeys || IA2_PERMISSIVE || pkru == IA2_PKRU_0 || pkru == IA2_PKRU_START ||
        (pkru == IA2_PKRU_ALL && ia2_state.exit_flags & IA2_EXIT_OPEN_ALL))
        return;
    for (uint32_t other = 1; other <= ia2_state.count; other++)
        running |= (int)other != key && ia2_is_running(record, (int)other);
    if (key >= 1 && (uint32_t)key <= ia2_state.count &&
        (ia2_is_running(record, key) ||
         (!running && gate && ((int)gate->caller == key || (int)gate->callee == key))))
        return;
    ia2_die("a signal finds a thread with rights that it cannot have there (PKRU %#x at %p)", pkru,
            (void *)code);
}

/* The handler has jumped (ia2_gate_unwind.S): what it interrupted is cut too. \a pkru: of the
 * thread when it was interrupted; \a interrupted: the compartment that ran, 0 if a gate was under
 * way or key 0 ran; \a jumping: the one whose jump it is. Returns the rights with which the thread
 * goes on. */
static uint32_t follow_jump(ucontext_t *context, uint32_t pkru, int interrupted, int jumping,
                            uint64_t *key0_sp)
{
    greg_t *r = context->uc_mcontext.gregs;
    const struct ia2_gate_code_range *range = gate_around((uintptr_t)r[REG_RIP]);
    int key = interrupted ? interrupted : range ? (int)range->caller : -1;
    if (key < 1 || key > (int)ia2_state.count || !ia2_state.module[key].descriptor)
        ia2_die("longjmp out of a signal handler that interrupted the runtime at %p (PKRU %#x); "
                "let the handler set a flag",
                (void *)r[REG_RIP], pkru);
    if (pkru == IA2_PKRU_0 && *key0_sp >> 63)
        *key0_sp = ~*key0_sp;
    const struct ia2_compartment_descriptor *d = ia2_state.module[key].descriptor;
    r[REG_R10] =
        interrupted && range && (int)range->callee == interrupted ? (greg_t)range->caller + 1 : 0;
    r[REG_R9] = interrupted ? r[REG_RSP] : 0;
    r[REG_R8] = jumping & 15;
    /* Whoever jumps restores the mask when it is there. */
    memset(&context->uc_sigmask, 0xff, _NSIG / 8);
    redirect(context, d->pkru[key], d->unwound);
    return d->pkru[key];
}

/* What a handler gets, on its compartment's stack. The frame stands for the place where the
 * compartment waits: those who follow the calls in progress find the next one by it. */
struct delivered {
    char frame[sizeof(struct ia2_gate_frame)] __attribute__((aligned(8)));
    siginfo_t info;
    ucontext_t context;
    char xsave[] __attribute__((aligned(64)));
};

#define HANDLER_ROOM 4096

/* Puts a copy of the frame on the stack of the compartment that owns the handler. All registers if
 * they are its own; where it was, and why, otherwise. */
static struct delivered *deliver(const struct ia2_thread_record *record,
                                 const struct ia2_frame *frame, int owner, int is_own)
{
    const struct ia2_range stack = ia2_stack_of(record, owner);
    uint64_t word = *ia2_suspended_word(record, owner),
             first = stack.end + (uint64_t)(int64_t)IA2_FIRST_FRAME;
    if (word >> 63)
        ia2_die("compartment %s runs while its handler is to be called",
                ia2_compartment_name(owner));
    if (!word)
        word = first;
    /* Another thread of the owner's can write the word, and this writes with the rights of all. */
    if (word > first)
        ia2_die("compartment %s waits for a call outside of its stack",
                ia2_compartment_name(owner));
    size_t size = sizeof(struct delivered) + (is_own ? frame->xsave_size : 0);
    struct delivered *to = (struct delivered *)((word - size) & -64ul);
    if ((uint64_t)to < stack.start + HANDLER_ROOM || (uint64_t)to > word)
        ia2_die("compartment %s: no room on its stack for a signal's handler",
                ia2_compartment_name(owner));
    memset(to, 0, sizeof(*to));
    ((struct ia2_gate_frame *)(void *)to->frame)->running = ~word;
    to->info = frame->info;
    to->context = frame->context;
    to->context.uc_mcontext.fpregs = NULL;
    if (is_own) {
        memcpy(to->xsave, frame->xsave, frame->xsave_size);
        to->context.uc_mcontext.fpregs = (fpregset_t)(void *)to->xsave;
    } else {
        for (int r = 0; r < REG_RIP; r++)
            if (r != REG_RSP)
                to->context.uc_mcontext.gregs[r] = 0;
    }
    *ia2_suspended_word(record, owner) = (uint64_t)to;
    return to;
}

/* What the handler has changed, as far as it may: the mask, and all registers if they are its own.
 */
static void take_back(struct ia2_frame *frame, const struct delivered *from, int is_own)
{
    ucontext_t *context = &frame->context;
    memcpy(&context->uc_sigmask, &from->context.uc_sigmask, _NSIG / 8);
    if (!is_own)
        return;
    greg_t *to = context->uc_mcontext.gregs;
    for (int r = 0; r <= REG_EFL; r++)
        to[r] = from->context.uc_mcontext.gregs[r];
    if (frame->xsave_size >= XSAVE_LEGACY)
        memcpy(frame->xsave, from->xsave, XSAVE_LEGACY);
}

/* Returns the rights with which the thread goes on. */
static uint32_t run_handler(const struct ia2_thread_record *record, int number,
                            struct ia2_frame *frame, const char *at, uint32_t pkru)
{
    ucontext_t *context = &frame->context;
    struct ia2_signal action = ia2_state.signal[number];
    int owner = (int)action.owner, key = interrupted_key(context, pkru);
    if (owner < 1 || owner > (int)ia2_state.count || !ia2_state.module[owner].descriptor)
        return pkru;
    /* The interrupted compartment waits in its signal zone, unless it was in a gate and waits
     * already. */
    int suspended = key > 0 && ia2_suspend(record, key),
        is_own = suspended && key == owner &&
                 !gate_around((uintptr_t)context->uc_mcontext.gregs[REG_RIP]);
    uint64_t *key0_sp = ia2_suspended_word(record, 0), key0_was = *key0_sp;
    if (ia2_is_running(record, 0))
        ia2_suspend_key0(record, (uint64_t)context->uc_mcontext.gregs[REG_RSP]);
    uint64_t waited = *ia2_suspended_word(record, owner), mask = ~0ul;
    struct delivered *given = deliver(record, frame, owner, is_own);
    if (arm_rest(record, at))
        mask = ~SIGSYS_BIT &
               ia2_permissive_mask(ia2_mask_bits(&context->uc_sigmask) | action.mask |
                                   (action.flags & SA_NODEFER ? 0 : 1ul << (number - 1)));
    int jumping =
        ia2_state.module[owner].descriptor->signal(number, &given->info, &given->context, mask);
    set_mask(~0ul);
    *ia2_suspended_word(record, owner) = waited;
    *key0_sp = key0_was;
    if (jumping)
        return follow_jump(context, pkru, suspended ? key : 0, jumping, key0_sp);
    /* The kernel steps on for who had set the flag, and not into what is another's. */
    if (number == SIGTRAP && !is_own)
        context->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
    take_back(frame, given, is_own);
    if (suspended)
        ia2_resume(record, key);
    return pkru;
}

/* As if there were no handler: the signal comes once more, when this one returns, and nobody
 * catches it. */
static void default_action(int number, const siginfo_t *info)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    ia2_permissive_end();
    ia2_sys_action(number, &dfl, NULL);
    if (info->si_code <= 0 || number == SIGTRAP)
        raise(number); /* it was sent, or reported after the instruction, so returning would not
                          repeat it */
}

static int is_fault(int number, const siginfo_t *info)
{
    return info->si_code > 0 &&
           (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL);
}

/* Only for a signal that a permissive program catches all the same; what is no fault can be
 * ignored. */
static int is_ignored(int number, const siginfo_t *info)
{
    return info->si_code <= 0 &&
           ia2_state.signal[number].handler == (void (*)(int, siginfo_t *, void *))(void *)SIG_IGN;
}

/* A destructor that faulted is left where it is. The thread goes on with the next one, with key 0
 * alone. */
static int leave_destructor(int number, ucontext_t *context, uint32_t pkru)
{
    const struct ia2_guard *guard = ia2_guard_take(number, ia2_compartment_of_pkru(pkru));
    if (!guard)
        return 0;
    context->uc_mcontext.gregs[REG_RSP] = (greg_t)guard->stack;
    redirect(context, IA2_PKRU_0, ia2_guard_resume);
    return 1;
}

/* Returns the rights with which the thread goes on. */
static uint32_t act(const struct ia2_thread_record *record, struct ia2_frame *frame, const char *at,
                    uint32_t pkru)
{
    ucontext_t *context = &frame->context;
    siginfo_t *info = &frame->info;
    int number = info->si_signo;
    int violation = is_fault(number, info) && ia2_violation_report(info, context, pkru);
    if (!violation && ia2_state.signal[number].owner)
        return run_handler(record, number, frame, at, pkru);
    if (is_fault(number, info) && leave_destructor(number, context, pkru))
        return IA2_PKRU_0;
    if ((violation || number == SIGSEGV || is_fault(number, info) ||
         ia2_permissive_catches(number)) &&
        !is_ignored(number, info))
        default_action(number, info);
    return pkru;
}

char *ia2_signal_arrived(char *at, const struct ia2_thread_record *record, uint32_t virtual_pkru,
                         struct ia2_frame *copy)
{
    int saved_errno = errno;
    if (!ia2_state.pkeys)
        ia2_virtual_pkru = virtual_pkru;
    if (ia2_call_is_trapped(copy)) {
        ia2_call_answer(record, copy, ia2_frame_pkru(&copy->context));
    } else if (!ia2_permissive_fault(copy->info.si_signo, &copy->info, &copy->context)) {
        uint32_t pkru = ia2_frame_pkru(&copy->context);
        if (!ia2_state.pkeys)
            ia2_virtual_pkru = IA2_PKRU_MONITOR;
        check_rights(record, &copy->context, pkru);
        pkru = act(record, copy, at, pkru);
        ia2_frame_set_pkru(&copy->context, pkru);
        if (!ia2_state.pkeys)
            ia2_virtual_pkru = pkru;
    }
    errno = saved_errno;
    return ia2_frame_put(record, copy);
}

void ia2_signal_unknown(int number, siginfo_t *info, void *opaque, uint32_t virtual_pkru)
{
    ucontext_t *context = opaque;
    int saved_errno = errno;
    if (!ia2_state.pkeys)
        ia2_virtual_pkru = virtual_pkru;
    if (!ia2_permissive_fault(number, info, context)) {
        int violation =
            is_fault(number, info) && ia2_violation_report(info, context, ia2_frame_pkru(context));
        if (!violation && ia2_state.signal[number].owner)
            ia2_die("signal %d on a thread that the runtime did not start", number);
        if ((violation || is_fault(number, info) || ia2_permissive_catches(number)) &&
            !is_ignored(number, info))
            default_action(number, info);
    }
    errno = saved_errno;
}
