#define _GNU_SOURCE
#include "containment/denied.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/format.h"
#include "base/log.h"
#include "state/compartment_name.h"
#include "state/monitor.h"
#include "state/state.h"

#define PLACES (sizeof(ia2_state.denied) / sizeof(ia2_state.denied[0]))

/* Whether this place was not told of yet. When all entries are taken, no more is said. */
static int is_new(const struct ia2_call *call)
{
    uint64_t place = (call->code << 9 | (uint64_t)call->number) + 1;
    for (size_t i = 0; i < PLACES; i++) {
        if (ia2_state.denied[i] == place)
            return 0;
        if (!ia2_state.denied[i]) {
            ia2_state.denied[i] = place;
            return 1;
        }
    }
    return 0;
}

/* Which argument is a path; -1 for none. */
static int path_of(long number)
{
    switch (number) {
    case SYS_open:
    case SYS_creat:
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_readlink:
    case SYS_unlink:
    case SYS_mkdir:
    case SYS_rmdir:
    case SYS_chdir:
    case SYS_truncate:
    case SYS_chmod:
    case SYS_rename:
    case SYS_link:
    case SYS_symlink:
    case SYS_statfs:
    case SYS_execve:
        return 0;
    case SYS_openat:
    case SYS_openat2:
    case SYS_newfstatat:
    case SYS_faccessat:
    case SYS_readlinkat:
    case SYS_unlinkat:
    case SYS_mkdirat:
    case SYS_renameat:
    case SYS_execveat:
        return 1;
    default:
        return -1;
    }
}

static int is_mapped(uintptr_t address)
{
    unsigned char there;
    return !mincore((void *)(address & -IA2_PAGE), 1, &there);
}

/* What the compartment shows as a path, as far as it is its own to show, and printable. */
static void copy_path(const struct ia2_call *call, uintptr_t from, char *to, size_t size)
{
    size_t n = 0;
    for (; n + 1 < size; n++) {
        if ((!n || (from + n) % IA2_PAGE == 0) &&
            (!ia2_is_free_for(call->key, from + n, 1) || !is_mapped(from + n)))
            break;
        char c = ((const volatile char *)from)[n];
        if (!c)
            break;
        to[n] = c >= ' ' && c < 127 ? c : '?';
    }
    to[n] = 0;
}

static void describe(const struct ia2_call *call, char *text, size_t size)
{
    const char *name = ia2_call_name(call->number);
    int path = path_of(call->number);
    char copy[200];
    if (!name) {
        ia2_format(text, size, "system call %ld", call->number);
    } else if (path >= 0) {
        copy_path(call, call->argument[path], copy, sizeof(copy));
        ia2_format(text, size, "%s(%s\"%s\", %#lx)", name, path ? "..., " : "", copy,
                   call->argument[path + 1]);
    } else {
        ia2_format(text, size, "%s(%#lx, %#lx, %#lx, %#lx)", name, call->argument[0],
                   call->argument[1], call->argument[2], call->argument[3]);
    }
}

long ia2_denied(const struct ia2_call *call, enum ia2_call_class class, const char *why)
{
    char text[300];
    Dl_info where;
    int saved = errno;
    if (!is_new(call))
        return -EPERM;
    const char *who =
        call->who < 0 ? "key 0, for several compartments" : ia2_compartment_name(call->who);
    describe(call, text, sizeof(text));
    ia2_say("denied: compartment %s may not call %s%s%s", who, text, why ? ": " : "",
            why ? why : "");
    if (dladdr((void *)call->code, &where) && where.dli_fname)
        ia2_say("  at %s+%#lx%s%s (addr2line -fe %s %#lx)", where.dli_fname,
                call->code - (uintptr_t)where.dli_fbase, where.dli_sname ? " in " : "",
                where.dli_sname ? where.dli_sname : "", where.dli_fname,
                call->code - (uintptr_t)where.dli_fbase);
    if (!why && call->who > 0 && ia2_call_class_word(class))
        ia2_say("  to allow it: [compartment.%s] system_calls = [..., \"%s\"]", who,
                ia2_call_class_word(class));
    errno = saved;
    return -EPERM;
}
