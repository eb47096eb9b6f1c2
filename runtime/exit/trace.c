#define _GNU_SOURCE
#include "exit/trace.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ia2_destructors.h"
#include "state/state.h"

void ia2_exit_trace(const char *format, ...)
{
    if (!(ia2_state.exit_flags & IA2_EXIT_TRACE))
        return;
    va_list ap;
    va_start(ap, format);
    ia2_say_as("IA2_TRACE", format, ap);
    va_end(ap);
}

void ia2_exit_event(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    ia2_say_as("IA2_EXIT", format, ap);
    va_end(ap);
}

const char *ia2_exit_kind_name(unsigned kind)
{
    static const char *const names[] = {
        "?",       "fini_array",    "fini",          "atexit",         "cxa_atexit",
        "on_exit", "at_quick_exit", "thread_atexit", "thread-specific"};
    return names[kind < sizeof(names) / sizeof(names[0]) ? kind : 0];
}

static int is_set(const char *variable)
{
    const char *value = secure_getenv(variable);
    return value && *value && strcmp(value, "0");
}

void ia2_exit_read_environment(void)
{
    if (ia2_state.exit_flags & IA2_EXIT_KNOWN)
        return;
    uint64_t flags = IA2_EXIT_KNOWN;
    if (is_set("IA2_TRACE_EXIT"))
        flags |= IA2_EXIT_TRACE;
    if (is_set("IA2_DIAG_EXIT"))
        flags |= IA2_EXIT_DIAG;
    if (is_set("IA2_EXIT_ALLOW_ALL"))
        flags |= IA2_EXIT_ALLOW_ALL | IA2_EXIT_OPEN_ALL;
    if (is_set("IA2_EXIT_FORCE_LEGACY"))
        flags |= IA2_EXIT_LEGACY | IA2_EXIT_OPEN_ALL;
    ia2_state.exit_flags = flags;
    if (flags & IA2_EXIT_ALLOW_ALL)
        ia2_say("warning: IA2_EXIT_ALLOW_ALL=1: exit functions of unknown owner run with ALL keys "
                "open");
    if (flags & IA2_EXIT_LEGACY)
        ia2_say("warning: IA2_EXIT_FORCE_LEGACY=1: all destructors run with ALL keys open; for "
                "comparison only");
}
