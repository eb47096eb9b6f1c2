#define _GNU_SOURCE
#include "exit/counters.h"

#include <stdarg.h>

#include "base/log.h"
#include "ia2_destructors.h"
#include "state/state.h"

struct ia2_exit_counts ia2_exit_counts;

struct ia2_exit_counters ia2_get_exit_counters(void)
{
    return (struct ia2_exit_counters){ia2_exit_counts.success, ia2_exit_counts.fallback,
                                      ia2_exit_counts.unknown, ia2_exit_counts.faulted};
}

static __attribute__((format(printf, 1, 2))) void print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ia2_say_as("IA2_DIAG_EXIT", format, arguments);
    va_end(arguments);
}

void ia2_exit_print_counters(void)
{
    static _Atomic int printed;
    if (!(ia2_state.exit_flags & IA2_EXIT_DIAG) || atomic_exchange(&printed, 1))
        return;
    struct ia2_exit_counters c = ia2_get_exit_counters();
    print("success=%lu fallback=%lu unknown=%lu faulted=%lu", c.success, c.fallback, c.unknown,
          c.faulted);
}

/* Every compartment needs libia2.so, so the loader runs its destructor after theirs. */
__attribute__((destructor)) static void at_the_end(void)
{
    ia2_exit_print_counters();
}
