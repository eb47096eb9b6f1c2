#define _GNU_SOURCE
#include "base/die.h"

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#if IA2_PERMISSIVE
static void (*last_words)(void);

void ia2_die_calls(void (*function)(void))
{
    last_words = function;
}
#endif

/* abort() would first run the program's handler, which may jump out of it. This asks the kernel
 * directly, as the refusals of a gate do: libc's own functions for it may be a compartment's. */
static void end_by_sigabrt(void)
{
    /* The kernel's struct sigaction: handler, flags, restorer, mask. */
    static const uint64_t default_action[4] = {(uint64_t)(uintptr_t)SIG_DFL};
    static const uint64_t mask = 1ul << (SIGABRT - 1);
    syscall(SYS_rt_sigaction, SIGABRT, default_action, NULL, sizeof(mask));
    syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &mask, NULL, sizeof(mask));
    syscall(SYS_tgkill, getpid(), gettid(), SIGABRT);
    for (;;) /* another thread has set a handler in between, which came back */
        syscall(SYS_exit_group, 128 + SIGABRT);
}

void ia2_die(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ia2_say_as("ia2", format, arguments);
    va_end(arguments);
#if IA2_PERMISSIVE
    if (last_words)
        last_words();
#endif
    end_by_sigabrt();
    __builtin_unreachable();
}
