#define _GNU_SOURCE
#include "exit/running.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/die.h"
#include "exit/counters.h"
#include "exit/table.h"
#include "exit/trace.h"
#include "ia2_destructors.h"
#include "signals/guard.h"
#include "signals/signals.h"
#include "state/compartment_name.h"
#include "state/monitor.h"
#include "state/rights.h"
#include "state/state.h"

/* In the lines that programs split a name is one word. */
static const char *word(int key)
{
    return ia2_has_compartment(key) ? ia2_compartment_name(key) : key == 0 ? "key_0" : "unknown";
}

static void call(const struct exit_record *record, int status)
{
    void *function = (void *)record->function;
    switch (record->kind) {
    case IA2_EXIT_CXA:
        ((void (*)(void *, int))function)(record->argument, status);
        break;
    case IA2_EXIT_ON_EXIT:
        ((void (*)(int, void *))function)(status, record->argument);
        break;
    case IA2_EXIT_THREAD:
        ((void (*)(void *))function)(record->argument);
        break;
    default:
        record->function();
    }
}

/* Marks the record as run, or frees it: a thread may register any number over its life. */
static void claim(size_t index, struct exit_record *record)
{
    if (index >= IA2_EXIT_RECORDS)
        ia2_die("no such exit function");
    *record = ia2_state.exit[index];
    if (record->state != IA2_EXIT_ARMED)
        ia2_die("an exit function runs twice");
    if (record->kind == IA2_EXIT_KEY) /* that is for a value */
        ia2_die("a thread-specific value's destructor is no exit function");
    if (ia2_monitor(IA2_DO_EXIT_CLAIM, (long)index, 0, 0, 0))
        ia2_die("an exit function runs twice");
    if (record->kind == IA2_EXIT_THREAD)
        ia2_exit_free_record((uint32_t)index);
}

void ia2_exit_invoke(size_t index, int status, int owner)
{
    struct exit_record record;
    if (index < IA2_EXIT_RECORDS && ia2_state.exit[index].compartment_id != owner)
        ia2_die("compartment %s: this exit function is not its own", ia2_compartment_name(owner));
    claim(index, &record);
    if (record.thread && record.thread != ia2_fs_base())
        ia2_die("compartment %s: an exit function of another thread", ia2_compartment_name(owner));
    ia2_exit_trace("  in compartment %s: PKRU %#010x", ia2_compartment_name(owner),
                   ia2_read_pkru());
    call(&record, status);
}

/* With the rights of key 0, or all. */
static void invoke_unowned(size_t index, int status)
{
    struct exit_record record;
    claim(index, &record);
    ia2_exit_trace("  in compartment %s: PKRU %#010x",
                   ia2_read_pkru() == IA2_PKRU_0 ? "key 0" : "ALL KEYS", ia2_read_pkru());
    call(&record, status);
}

static __thread int exit_status __attribute__((tls_model("initial-exec")));

static void call_with_all_keys(size_t index, int status)
{
    ia2_take_all_keys();
    invoke_unowned(index, status);
    ia2_keep_key0();
}

/* 1 if it faulted. */
static int run_with_key_0(size_t index, const struct exit_record *record, const char *symbol,
                          struct ia2_guard *own)
{
    uint64_t flags = ia2_state.exit_flags;
    int owner = record->compartment_id;
    if (owner < 0) {
        ia2_exit_counts.unknown++;
        ia2_exit_event("event=unknown_owner function='%s' kind=%s registered_by=%s action=%s",
                       symbol, ia2_exit_kind_name(record->kind), word(record->registered_by),
                       flags & IA2_EXIT_OPEN_ALL ? "run_with_all_keys" : "run_with_key_0");
    }
    /* A thread that ends while the process goes on dies of its faults, as in any program. */
    int survives = record->kind != IA2_EXIT_THREAD;
    if (flags & IA2_EXIT_LEGACY || (owner < 0 && flags & IA2_EXIT_ALLOW_ALL)) {
        ia2_exit_counts.fallback++;
        return ia2_guarded(own, call_with_all_keys, index, exit_status, survives);
    }
    if (owner < 0) {
        ia2_exit_counts.fallback++;
        return ia2_guarded(own, invoke_unowned, index, exit_status, survives);
    }
    int r = ia2_guarded(own, ia2_state.module[owner].descriptor->exit_call, index, exit_status,
                        survives);
    ia2_exit_counts.success += !r;
    return r;
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

int ia2_run_destructor(const struct exit_record *record)
{
    uintptr_t offset = (uintptr_t)record - (uintptr_t)ia2_state.exit;
    size_t index = offset / sizeof(*record);
    if (offset >= sizeof(ia2_state.exit) || offset % sizeof(*record) ||
        record->state == IA2_EXIT_FREE || record->kind == IA2_EXIT_KEY)
        return refuse(EINVAL);
    if (record->state != IA2_EXIT_ARMED)
        return refuse(EALREADY);
    char text[96];
    struct exit_record copy = *record;
    int owner = copy.compartment_id, self = ia2_current_compartment();
    const char *symbol = ia2_exit_symbol((const void *)copy.function, copy.registered_by, text);
    if (self == owner &&
        self > 0) { /* libc runs what a DSO registered from its own destructors (__cxa_finalize) */
        ia2_exit_trace("running '%s' (%s) in compartment %s, entered before", symbol,
                       ia2_exit_kind_name(copy.kind), ia2_compartment_name(owner));
        ia2_exit_counts.success++;
        ia2_exit_invoke(index, exit_status, owner);
        return 0;
    }
    uint32_t before = ia2_read_pkru();
    if (self != 0 || before != IA2_PKRU_0)
        return refuse(EPERM);
    if (owner > 0 && ia2_guard_is_spent(owner)) {
        ia2_exit_counts.faulted++;
        ia2_exit_event("event=given_up function='%s' kind=%s compartment=%s reason=too_many_faults "
                       "action=skip",
                       symbol, ia2_exit_kind_name(copy.kind), word(owner));
        return 0;
    }
    ia2_exit_trace("running '%s' (%s) target compartment %s (key %d): PKRU %#010x -> %#010x",
                   symbol, ia2_exit_kind_name(copy.kind),
                   ia2_compartment_name(owner < 0 ? 0 : owner), owner < 0 ? 0 : owner, before,
                   owner > 0 ? ia2_state.module[owner].descriptor->pkru[owner] : IA2_PKRU_0);
    struct ia2_guard own = {.compartment = -1};
    ia2_signals_catch_faults();
    if (run_with_key_0(index, &copy, symbol, &own)) {
        ia2_exit_counts.faulted++;
        ia2_exit_event(
            "event=fault function='%s' kind=%s compartment=%s signal=%s in=%s action=continue",
            symbol, ia2_exit_kind_name(copy.kind), word(owner < 0 ? 0 : owner),
            sigabbrev_np(own.fault), word(own.compartment));
    }
    uint32_t after = ia2_read_pkru();
    if (after != before)
        ia2_die("an exit function came back with other rights (PKRU %#x, not %#x)", after, before);
    ia2_exit_trace("  back from '%s': PKRU %#010x", symbol, after);
    return 0;
}

int ia2_exit_status(void)
{
    return exit_status;
}

/* libc calls these with the rights of key 0; what a compartment has it call itself, in that
 * compartment. */
void ia2_exit_run_index(size_t index, int status)
{
    if (index >= IA2_EXIT_RECORDS)
        ia2_die("libc's list of exit functions was tampered with");
    exit_status = status;
    if (!ia2_state.ready) { /* the process ends before main: there are no compartments yet */
        struct exit_record record;
        claim(index, &record);
        call(&record, status);
    } else if (ia2_run_destructor(&ia2_state.exit[index])) {
        ia2_exit_event("event=refused index=%zu error=%s", index, strerrorname_np(errno));
    }
}
