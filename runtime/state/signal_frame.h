/* The frame that the kernel makes of an interrupted thread, and the one by which the thread goes
 * on.
 *
 * The monitor decides on a copy that only it can write. It leaves by a frame of its own, of which
 * others can at most read uc_stack: Linux 6.1 reads that part with the rights of the interrupted
 * code, and everything else before. (arch/x86/kernel/signal_64.c, rt_sigreturn.) */
#ifndef IA2_SIGNAL_FRAME_H
#define IA2_SIGNAL_FRAME_H

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

struct ia2_thread_record;

/* What XSAVE stores at most: with AMX about 11 KB. */
#define IA2_FRAME_XSAVE 11776

struct ia2_frame {
    ucontext_t context; /* uc_mcontext.fpregs leads to xsave, or is NULL */
    siginfo_t info;
    size_t xsave_size;
    char xsave[IA2_FRAME_XSAVE] __attribute__((aligned(64)));
};

/* In the monitor: copies the frame at \a at, on the frames' stack of \a record, and wipes it.
 * Aborts if it is no frame, or was taken before. \a anywhere: the frame is where the stack pointer
 * of the interrupted code was, in memory of the compartment that runs, and stays there; only for a
 * system call that was trapped. */
void ia2_frame_take(const struct ia2_thread_record *record, char *at, struct ia2_frame *frame,
                    int anywhere);

/* In the monitor: makes the frame by which the thread of \a record goes on as \a frame says. Its
 * address, for rt_sigreturn. */
char *ia2_frame_put(const struct ia2_thread_record *record, struct ia2_frame *frame);

/* In the monitor, or at start-up: prepares the memory for ia2_frame_put in this slot. 0 or a
 * negative errno. */
int ia2_frame_prepare(uint32_t slot);

/* The rights of the interrupted thread; on a CPU without keys the virtual ones. Aborts if the frame
 * has none. Async-signal-safe. */
uint32_t ia2_frame_pkru(const ucontext_t *context);

/* The rights with which the thread goes on; nothing on a CPU without keys. Async-signal-safe. */
void ia2_frame_set_pkru(ucontext_t *context, uint32_t pkru);

#endif
