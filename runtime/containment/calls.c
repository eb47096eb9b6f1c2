#define _GNU_SOURCE
#include "containment/calls.h"

#include <asm/prctl.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/die.h"
#include "containment/allowed.h"
#include "containment/arguments.h"
#include "containment/as_caller.h"
#include "containment/code.h"
#include "containment/denied.h"
#include "containment/files.h"
#include "containment/filter.h"
#include "memory/mappings.h"
#include "state/addresses.h"
#include "state/compartment_name.h"
#include "state/monitor.h"
#include "state/rights.h"
#include "state/signal_frame.h"
#include "state/system_calls.h"

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1
#endif
#define SIGSYS_BIT (1ul << (SIGSYS - 1))

/* ---- who calls ------------------------------------------------------------------------------ */

/* Who runs on the thread with the rights of key 0: the compartment that gave up its own, else -1.
 */
static int runs_as_key0(const struct ia2_thread_record *record)
{
    for (int key = 1; key <= (int)ia2_state.count; key++)
        if (record->fsbase && ia2_is_running(record, key))
            return key;
    return -1;
}

static void find_caller(const struct ia2_thread_record *record, struct ia2_call *call)
{
    call->key = ia2_compartment_of_pkru(call->pkru);
    if (call->pkru == IA2_PKRU_ALL && ia2_state.exit_flags & IA2_EXIT_OPEN_ALL)
        call->key = 0;
    if (call->key < 0 || call->key > (int)ia2_state.count)
        ia2_die("a system call with the rights %#x, which nobody has", call->pkru);
    call->who = call->key ? call->key : runs_as_key0(record);
    if (call->key && !ia2_is_running(record, call->key))
        ia2_die("compartment %s makes a system call while it waits",
                ia2_compartment_name(call->key));
}

/* ---- memory --------------------------------------------------------------------------------- */

static const char not_own[] = "the memory is another's, or code";

static int may_change(const struct ia2_call *call, uintptr_t start, uint64_t size)
{
    return size <= 1ul << 47 && ia2_mapping_may_change(call->key, start, size);
}

static long map(const struct ia2_call *call)
{
    const uint64_t *a = call->argument;
    uint64_t prot = (uint32_t)a[2], flags = (uint32_t)a[3];
    int fixed = flags & MAP_FIXED || (flags & MAP_FIXED_NOREPLACE) == MAP_FIXED_NOREPLACE;
    if (fixed && !may_change(call, a[0], a[1]))
        return ia2_denied(call, IA2_CALL_MEMORY, not_own);
    if (flags & MAP_GROWSDOWN)
        return ia2_denied(call, IA2_CALL_MEMORY,
                          "memory that grows by itself grows into another's");
    if (prot & PROT_EXEC)
        return ia2_code_map(call);
    long at = ia2_sys_map((void *)a[0], a[1], (int)prot, (int)flags, (int)a[4], (off_t)a[5]);
    if (at > 0 && fixed)
        ia2_mapping_remove((uintptr_t)at, a[1]);
    return at;
}

static long remap(const struct ia2_call *call)
{
    const uint64_t *a = call->argument;
    uint32_t owner = ia2_mapping_owner(a[0]);
    if (!may_change(call, a[0], a[1] ? a[1] : 1) ||
        (a[3] & MREMAP_FIXED && !may_change(call, a[4], a[2])))
        return ia2_denied(call, IA2_CALL_MEMORY, not_own);
    long at = ia2_sys(SYS_mremap, (long)a[0], (long)a[1], (long)a[2], (long)a[3], (long)a[4]);
    if (at > 0) {
        if (owner)
            ia2_mapping_remove(a[0], a[1]);
        if (owner && ia2_mapping_add((uintptr_t)at, a[2], owner))
            ia2_die("too many mappings (%d)", IA2_MAPPINGS);
    }
    return at;
}

static long protect(const struct ia2_call *call)
{
    const uint64_t *a = call->argument;
    if (a[2] & PROT_EXEC)
        return ia2_denied(call, IA2_CALL_MEMORY, "memory that was writable is made code");
    if (a[2] & (PROT_GROWSDOWN | PROT_GROWSUP) || !may_change(call, a[0], a[1]))
        return ia2_denied(call, IA2_CALL_MEMORY, not_own);
    return ia2_sys_change((void *)a[0], a[1], (int)a[2]);
}

static long change_memory(const struct ia2_call *call)
{
    const uint64_t *a = call->argument;
    long r;
    switch (call->number) {
    case SYS_mmap:
        return map(call);
    case SYS_mremap:
        return remap(call);
    case SYS_mprotect:
        return protect(call);
    case SYS_munmap:
        /* dlclose: others may be in that code. What was a plugin the monitor unmaps when it is gone
         * (load/plugins.c); other code stays. */
        if (ia2_mapping_has_late_code(a[0], a[1]))
            return -EPERM;
        if (!may_change(call, a[0], a[1]))
            return ia2_denied(call, IA2_CALL_MEMORY, not_own);
        r = ia2_sys_unmap((void *)a[0], a[1]);
        if (!r)
            ia2_mapping_remove(a[0], a[1]);
        return r;
    case SYS_madvise:
        return may_change(call, a[0], a[1]) ? ia2_sys_advise((void *)a[0], a[1], (int)a[2])
                                            : ia2_denied(call, IA2_CALL_MEMORY, not_own);
    case SYS_brk:
        if (a[0] && a[0] < ia2_state.heap_end)
            return ia2_denied(call, IA2_CALL_MEMORY, not_own);
        return ia2_sys(SYS_brk, (long)a[0], 0, 0, 0, 0);
    case SYS_shmat:
        if (a[1] || a[2] & SHM_EXEC)
            return ia2_denied(call, IA2_CALL_MEMORY, not_own);
        return ia2_sys(SYS_shmat, (long)a[0], 0, (long)a[2], 0, 0);
    default: /* shmdt */
        return may_change(call, a[0], 1) ? ia2_sys(SYS_shmdt, (long)a[0], 0, 0, 0, 0)
                                         : ia2_denied(call, IA2_CALL_MEMORY, not_own);
    }
}

static long memory(const struct ia2_call *call)
{
    ia2_lock(&ia2_state.memory_lock);
    long r = change_memory(call);
    ia2_unlock(&ia2_state.memory_lock);
    return r;
}

/* ---- signals -------------------------------------------------------------------------------- */

/* libc's own signals (sysdeps/unix/sysv/linux/internal-signals.h): it cancels a thread by the
 * first, and has all threads change the user by the second. */
#define SIGCANCEL 32
#define SIGSETXID 33

/* libc's own calls, which set no handler; the program's come by ia2_signal_set. */
static long set_action(const struct ia2_call *call)
{
    const uint64_t *a = call->argument;
    struct ia2_kernel_action act;
    if (!a[1])
        return ia2_call_as(
            &(struct ia2_caller_call){SYS_rt_sigaction, {a[0], 0, a[2], a[3], 0}, call->pkru});
    long r = ia2_argument_copy(call, &act, a[1], sizeof(act));
    if (r)
        return r;
    if (a[0] == SIGCANCEL || a[0] == SIGSETXID)
        return 0; /* what would send them is refused below */
    if (a[0] < 1 || a[0] >= _NSIG || a[0] == SIGSYS || a[0] == SIGSEGV ||
        ((uint64_t)act.handler != (uint64_t)SIG_DFL &&
         (uint64_t)act.handler != (uint64_t)SIG_IGN) ||
        (ia2_state.signal[a[0]].owner && (int)ia2_state.signal[a[0]].owner != call->who))
        return ia2_denied(call, IA2_CALL_SIGNALS, "handlers are set by sigaction in a compartment");
    struct sigaction plain = {.sa_sigaction = act.handler};
    struct sigaction old;
    if (a[2])
        return -ENOSYS;
    return ia2_sys_action((int)a[0], &plain, &old);
}

/* SIG_BLOCK, which libc does for all signals. SIGSYS stays: the kernel would end the process at the
 * next call. */
static long block(const struct ia2_call *call, struct ia2_frame *frame)
{
    const uint64_t *a = call->argument;
    uint64_t set, *mask = (uint64_t *)(void *)&frame->context.uc_sigmask;
    if (a[3] != sizeof(set))
        return -EINVAL;
    ia2_lock(&ia2_state.memory_lock);
    int is_own = ia2_is_free_for(call->key, a[1], sizeof(set)) &&
                 (!a[2] || ia2_is_free_for(call->key, a[2], sizeof(set)));
    if (is_own) {
        memcpy(&set, (const void *)a[1], sizeof(set));
        if (a[2])
            memcpy((void *)a[2], mask, sizeof(set));
        *mask |= set & ~SIGSYS_BIT;
    }
    ia2_unlock(&ia2_state.memory_lock);
    return is_own ? 0 : -EFAULT;
}

/* A siginfo that the kernel would have made itself must not come from a compartment. */
static long queue(const struct ia2_call *call)
{
    const uint64_t *a = call->argument;
    int with_thread = call->number == SYS_rt_tgsigqueueinfo;
    uint64_t from = a[with_thread ? 3 : 2], number = a[with_thread ? 2 : 1];
    siginfo_t info;
    long r = ia2_argument_copy(call, &info, from, sizeof(info));
    if (r)
        return r;
    if (info.si_code >= 0 || number == SIGSYS)
        return ia2_denied(call, IA2_CALL_SIGNALS, "the signal would seem to be the kernel's");
    return with_thread ? ia2_sys(call->number, (long)a[0], (long)a[1], (long)a[2], (long)&info, 0)
                       : ia2_sys(call->number, (long)a[0], (long)a[1], (long)&info, 0, 0);
}

static long signals(const struct ia2_call *call, struct ia2_frame *frame)
{
    const uint64_t *a = call->argument;
    switch (call->number) {
    case SYS_rt_sigprocmask:
        return block(call, frame);
    case SYS_rt_sigaction:
        return set_action(call);
    case SYS_sigaltstack:
        if (a[0])
            return ia2_denied(call, IA2_CALL_SIGNALS, "the signal stack is the runtime's");
        return ia2_call_as(
            &(struct ia2_caller_call){SYS_sigaltstack, {0, a[1], 0, 0, 0}, call->pkru});
    default:
        break;
    }
    if (call->number == SYS_tgkill && (a[2] == SIGCANCEL || a[2] == SIGSETXID))
        return ia2_denied(call, IA2_CALL_SIGNALS,
                          "libc cannot cancel a thread, nor change the user of all threads");
    if (!ia2_call_may(call->who, IA2_CALL_SIGNALS))
        return ia2_denied(call, IA2_CALL_SIGNALS, NULL);
    if (call->number == SYS_rt_sigqueueinfo || call->number == SYS_rt_tgsigqueueinfo)
        return queue(call);
    if (call->number == SYS_pidfd_send_signal && a[2])
        return ia2_denied(call, IA2_CALL_SIGNALS, "the signal would seem to be the kernel's");
    return ia2_sys(call->number, (long)a[0], (long)a[1], (long)a[2], (long)a[3], 0);
}

/* ---- threads and processes ------------------------------------------------------------------ */

/* What libc makes a thread with (sysdeps/unix/sysv/linux/createthread.c and its successors). */
#define THREAD \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM | CLONE_SIGHAND | CLONE_THREAD | \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define FORK (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID | 0xff)

/* The record of the thread that is to begin on this stack. */
static const struct ia2_thread_record *starting(uint64_t stack)
{
    for (uint32_t slot = 2; slot < ia2_state.slots_used; slot++) {
        const struct ia2_thread_record *record = &ia2_state.thread[slot];
        if (record->state == IA2_SLOT_STARTING && stack > record->first_low &&
            stack <= record->region_high)
            return record;
    }
    return NULL;
}

static long make_thread(const struct ia2_call *call, const struct ia2_frame *frame)
{
    const uint64_t *a = call->argument;
    const struct ia2_thread_record *record = starting(a[1]);
    if (a[0] != THREAD || !record || call->pkru != IA2_PKRU_0)
        return ia2_denied(call, IA2_CALL_THREADS, "threads are made by pthread_create");
    for (int i = 2; i < 5; i++)
        if (a[i] < record->first_low || a[i] > record->region_high - sizeof(uint64_t))
            return ia2_denied(call, IA2_CALL_THREADS, "its descriptor is not on its stack");
    struct ia2_frame child = *frame;
    child.context.uc_mcontext.fpregs = child.xsave_size ? (fpregset_t)(void *)child.xsave : NULL;
    child.context.uc_mcontext.gregs[REG_RAX] = 0;
    child.context.uc_mcontext.gregs[REG_RSP] = (greg_t)a[1];
    child.context.uc_stack = (stack_t){.ss_flags = SS_DISABLE};
    return ia2_clone_into(a[0], a[1], a[2], a[3], a[4], ia2_frame_put(record, &child));
}

static long make_process(const struct ia2_call *call, const struct ia2_frame *frame)
{
    const uint64_t *a = call->argument;
    struct ia2_caller_call fork = {SYS_clone, {SIGCHLD, 0, 0, 0, 0}, call->pkru};
    if (call->number == SYS_clone3)
        return -ENOSYS; /* libc goes on with clone, whose arguments are all in registers */
    if (call->number == SYS_clone && a[0] & CLONE_VM && !(a[0] & CLONE_VFORK))
        return make_thread(call, frame);
    if (!ia2_call_may(call->who, IA2_CALL_THREADS))
        return ia2_denied(call, IA2_CALL_THREADS, NULL);
    if (call->number == SYS_clone) {
        if (a[0] & ~(uint64_t)FORK || a[1])
            return ia2_denied(call, IA2_CALL_THREADS,
                              "a process that shares memory or has other namespaces");
        memcpy(fork.argument, a, sizeof(fork.argument));
    }
    return ia2_call_as(&fork);
}

/* ---- the rest ------------------------------------------------------------------------------- */

static long control(const struct ia2_call *call)
{
    static const uint16_t options[] = {PR_SET_PDEATHSIG,
                                       PR_GET_PDEATHSIG,
                                       PR_GET_DUMPABLE,
                                       PR_GET_KEEPCAPS,
                                       PR_SET_NAME,
                                       PR_GET_NAME,
                                       PR_GET_SECCOMP,
                                       PR_CAPBSET_READ,
                                       PR_GET_TIMERSLACK,
                                       PR_SET_TIMERSLACK,
                                       PR_GET_THP_DISABLE,
                                       PR_SET_THP_DISABLE,
                                       PR_GET_CHILD_SUBREAPER,
                                       PR_SET_CHILD_SUBREAPER,
                                       PR_GET_NO_NEW_PRIVS,
                                       PR_SET_NO_NEW_PRIVS,
                                       PR_GET_SECUREBITS};
    const uint64_t *a = call->argument;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if ((uint32_t)a[0] == options[i])
            return ia2_call_as(
                &(struct ia2_caller_call){SYS_prctl, {a[0], a[1], a[2], a[3], a[4]}, call->pkru});
    return ia2_denied(call, IA2_CALL_OTHER, "it changes the whole process");
}

#ifndef ARCH_GET_XCOMP_SUPP
#define ARCH_GET_XCOMP_SUPP 0x1021
#define ARCH_REQ_XCOMP_GUEST_PERM 0x1025
#endif

static long machine(const struct ia2_call *call)
{
    const uint64_t *a = call->argument;
    if (a[0] != ARCH_GET_FS && a[0] != ARCH_GET_GS &&
        (a[0] < ARCH_GET_XCOMP_SUPP || a[0] > ARCH_REQ_XCOMP_GUEST_PERM))
        return ia2_denied(call, IA2_CALL_NEVER, "the thread pointer is the runtime's");
    return ia2_call_as(
        &(struct ia2_caller_call){SYS_arch_prctl, {a[0], a[1], 0, 0, 0}, call->pkru});
}

/* As the policy says, with the rights of the caller. */
static long as_allowed(const struct ia2_call *call, enum ia2_call_class class)
{
    const uint64_t *a = call->argument;
    if (!ia2_call_may(call->who, class))
        return ia2_denied(call, class, NULL);
    return ia2_call_as(&(struct ia2_caller_call){
        (uint64_t)call->number, {a[0], a[1], a[2], a[3], a[4]}, call->pkru});
}

static long answer(const struct ia2_call *call, struct ia2_frame *frame)
{
    enum ia2_call_class class = ia2_call_class(call->number);
    switch (call->number) {
    case SYS_open:
    case SYS_openat:
    case SYS_openat2:
    case SYS_creat:
    case SYS_truncate:
        return ia2_file_open(call);
    case SYS_close:
    case SYS_close_range:
    case SYS_dup2:
    case SYS_dup3:
        return ia2_file_close(call);
    case SYS_prctl:
        return control(call);
    case SYS_arch_prctl:
        return machine(call);
    case SYS_rt_sigreturn:
        ia2_die("compartment %s returns from a signal that it did not get",
                ia2_compartment_name(call->key));
    default:
        break;
    }
    switch (class) {
    case IA2_CALL_NEVER:
        return ia2_call_name(call->number)
                   ? ia2_denied(call, class, "no compartment may")
                   : (ia2_denied(call, class, "the kit does not know it"), -ENOSYS);
    case IA2_CALL_MEMORY:
        return memory(call);
    case IA2_CALL_SIGNALS:
        return signals(call, frame);
    case IA2_CALL_THREADS:
        return make_process(call, frame);
    default:
        return as_allowed(call, class);
    }
}

int ia2_call_is_trapped(const struct ia2_frame *frame)
{
    return ia2_state.contained && frame->info.si_signo == SIGSYS &&
           frame->info.si_code == SYS_SECCOMP;
}

void ia2_call_answer(const struct ia2_thread_record *record, struct ia2_frame *frame, uint32_t pkru)
{
    greg_t *r = frame->context.uc_mcontext.gregs;
    static const unsigned char syscall_code[2] = {0x0f, 0x05};
    struct ia2_call call = {.number = frame->info.si_syscall,
                            .argument = {(uint64_t)r[REG_RDI], (uint64_t)r[REG_RSI],
                                         (uint64_t)r[REG_RDX], (uint64_t)r[REG_R10],
                                         (uint64_t)r[REG_R8], (uint64_t)r[REG_R9]},
                            .pkru = pkru,
                            .code = (uintptr_t)r[REG_RIP]};
    if ((uintptr_t)frame->info.si_call_addr != call.code ||
        memcmp((const void *)(call.code - 2), syscall_code, sizeof(syscall_code)) ||
        frame->info.si_arch != 0xc000003e)
        ia2_die("a signal that is not the kernel's says that there was a system call");
    find_caller(record, &call);
    r[REG_RAX] = answer(&call, frame);
    ((uint64_t *)(void *)&frame->context.uc_sigmask)[0] &= ~SIGSYS_BIT;
}

int ia2_calls_are_to_be_contained(void)
{
    uint32_t said = 0;
    for (uint32_t key = 1; key <= ia2_state.count; key++)
        if (ia2_state.module[key].descriptor)
            said |= ia2_state.module[key].descriptor->system_calls & IA2_CALLS_SAID;
    return said && ia2_state.pkeys && !IA2_PERMISSIVE;
}

long ia2_calls_contained(long unused1, long unused2, long unused3, long unused4, int caller)
{
    (void)unused1, (void)unused2, (void)unused3, (void)unused4;
    if (caller || ia2_state.contained)
        return 0;
    ia2_mappings_begin();
    uint64_t *cookie = (uint64_t *)ia2_state.cookie;
    while (!*cookie)
        if (getrandom(cookie, sizeof(*cookie), 0) < 0)
            ia2_die("the kernel gives no random number (%s)", strerrorname_np(errno));
    ia2_state.contained = 1;
    int r = ia2_filter_install(*cookie);
    if (r)
        ia2_die("the kernel does not filter system calls (%s), so they cannot be contained as the "
                "policy says; remove the system_calls lines, or allow seccomp here",
                strerrorname_np(-r));
    return 0;
}

void ia2_calls_contain(void)
{
    ia2_monitor(IA2_DO_CONTAIN, 0, 0, 0, 0);
}
