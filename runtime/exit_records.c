#define _GNU_SOURCE
#include "exit_records.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "state/addresses.h"
#include "base/die.h"
#include "base/log.h"
#include "signals/guard.h"
#include "init.h"
#include "signals/signals.h"
#include "state/rights.h"
#include "state/state.h"

int __cxa_atexit(void (*)(void *), void *, void *);
int __cxa_at_quick_exit(void (*)(void *), void *);
int __cxa_thread_atexit_impl(void (*)(void *), void *, void *);

/* A hint, which every compartment can write; the records say what is true. */
static _Atomic uint8_t record_taken[IA2_EXIT_RECORDS];
static _Atomic uint32_t records_used; /* those above were never taken: their pages need not exist */
static _Atomic uint64_t next_sequence = 1;
static _Atomic unsigned long success, fallback, unknown, faulted;

/* ---- saying --------------------------------------------------------------------------------- */

void ia2_exit_trace(const char *format, ...)
{
    if (!(ia2_state.exit_flags & IA2_EXIT_TRACE))
        return;
    va_list ap;
    va_start(ap, format);
    ia2_say_as("IA2_TRACE", format, ap);
    va_end(ap);
}

/* One event per line, in words that a program can split. */
static __attribute__((format(printf, 1, 2))) void event(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    ia2_say_as("IA2_EXIT", format, ap);
    va_end(ap);
}

static const char *compartment_name(int id)
{
    if (id == 0)
        return "nobody";
    const struct ia2_compartment_descriptor *d =
        id > 0 && id < IA2_MAX_COMPARTMENTS ? ia2_state.module[id].descriptor : NULL;
    return d ? d->name : "unknown";
}

static const char *kind_name(uint32_t kind)
{
    static const char *const names[] = {
        "?",       "fini_array",    "fini",          "atexit",         "cxa_atexit",
        "on_exit", "at_quick_exit", "thread_atexit", "thread-specific"};
    return names[kind < sizeof(names) / sizeof(names[0]) ? kind : 0];
}

/* The symbol, or where the function is. */
static const char *symbol_of(const void *function, int registrant, char text[96])
{
    const struct ia2_destructor_metadata *known = ia2_destructor_lookup(function);
    if (known)
        return known->symbol_name;
    const struct ia2_module *module =
        registrant > 0 && registrant < IA2_MAX_COMPARTMENTS ? &ia2_state.module[registrant] : NULL;
    uintptr_t at = (uintptr_t)function;
    if (module && ia2_is_in(&module->text, at))
        snprintf(text, 96, "%s+%#zx", module->descriptor->name, (size_t)(at - module->base));
    else
        snprintf(text, 96, "%p", function);
    return text;
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
    IA2_STATE_SET(ia2_state.exit_flags, flags);
    if (flags & IA2_EXIT_ALLOW_ALL)
        ia2_say("warning: IA2_EXIT_ALLOW_ALL=1: exit functions of unknown owner run with ALL keys "
                "open");
    if (flags & IA2_EXIT_LEGACY)
        ia2_say("warning: IA2_EXIT_FORCE_LEGACY=1: all destructors run with ALL keys open; for "
                "comparison only");
}

/* ---- counters ------------------------------------------------------------------------------- */

struct ia2_exit_counters ia2_get_exit_counters(void)
{
    return (struct ia2_exit_counters){success, fallback, unknown, faulted};
}

static void print_counters(void)
{
    static _Atomic int printed;
    if (!(ia2_state.exit_flags & IA2_EXIT_DIAG) || atomic_exchange(&printed, 1))
        return;
    struct ia2_exit_counters c = ia2_get_exit_counters();
    char line[160];
    int n = snprintf(line, sizeof(line),
                     "IA2_DIAG_EXIT: success=%lu fallback=%lu unknown=%lu faulted=%lu\n", c.success,
                     c.fallback, c.unknown, c.faulted);
    if (write(STDERR_FILENO, line, (size_t)n) < 0) {
        /* Nowhere to say it. */
    }
}

/* Every compartment needs libia2.so, so the loader runs its destructor after theirs. */
__attribute__((destructor)) static void at_the_end(void)
{
    print_counters();
}

/* ---- registering ---------------------------------------------------------------------------- */

static uint32_t used_records(void)
{
    uint32_t used = records_used;
    return used < IA2_EXIT_RECORDS ? used : IA2_EXIT_RECORDS;
}

static uint32_t take_record(void)
{
    static _Atomic uint32_t hint;
    uint32_t from = atomic_load_explicit(&hint, memory_order_relaxed);
    for (uint32_t i = 0; i < IA2_EXIT_RECORDS; i++) {
        uint32_t index = (from + i) % IA2_EXIT_RECORDS;
        uint8_t no = 0;
        if (!atomic_compare_exchange_strong(&record_taken[index], &no, 1))
            continue;
        if (ia2_state.exit[index].state == IA2_EXIT_FREE) {
            atomic_store_explicit(&hint, index + 1, memory_order_relaxed);
            for (uint32_t used = records_used;
                 used <= index && !atomic_compare_exchange_weak(&records_used, &used, index + 1);)
                ;
            return index;
        }
    }
    return IA2_EXIT_RECORDS;
}

static void free_record(uint32_t index)
{
    static const struct exit_record none;
    ia2_state_write(&ia2_state.exit[index], &none, sizeof(none));
    atomic_store(&record_taken[index], 0);
}

/* The compartment that may run a function which \a registrant registered: itself, if the code is
 * its own or a gate. Code of another compartment never runs with that one's rights just because
 * somebody named it: its owner is as unknown as libc's. */
static int owner_of(const void *function, int registrant)
{
    const struct ia2_destructor_metadata *known = ia2_destructor_lookup(function);
    if (registrant < 1 || (uint32_t)registrant > ia2_state.count ||
        (known && known->compartment_id != registrant))
        return -1;
    return ia2_is_code_of(registrant, (uintptr_t)function) || ia2_is_in_gates(function) ? registrant
                                                                                        : -1;
}

static uint32_t add_record(int registrant, uint32_t kind, void (*function)(void), void *argument)
{
    uint32_t index = take_record();
    if (index == IA2_EXIT_RECORDS)
        return index;
    struct exit_record record = {.function = function,
                                 .argument = argument,
                                 .sequence = next_sequence++,
                                 .thread = kind == IA2_EXIT_THREAD ? ia2_fs_base() : 0,
                                 .compartment_id = -1,
                                 .registered_by = registrant,
                                 .kind = kind,
                                 .state = IA2_EXIT_ARMED};
    if (kind == IA2_EXIT_KEY)
        record.compartment_id = registrant; /* which calls it itself */
    else if (ia2_state.ready && ia2_state.module[registrant].descriptor)
        record.compartment_id = owner_of((const void *)function, registrant);
    ia2_state_write(&ia2_state.exit[index], &record, sizeof(record));
    return index;
}

static void run_index(size_t index, int status);

static void run_cxa(void *index)
{
    run_index((size_t)index, 0);
}

/* libc passes the status too, which no prototype says (stdlib/exit.c). */
static void run_cxa_status(void *index, int status)
{
    run_index((size_t)index, status);
}

static void run_on_exit(int status, void *index)
{
    run_index((size_t)index, status);
}

/* libc keeps no argument for these: the last one registered is next, as it is in libc's own list.
 */
static void run_quick(void *unused)
{
    (void)unused;
    size_t found = IA2_EXIT_RECORDS;
    for (size_t i = 0; i < used_records(); i++) {
        const struct exit_record *r = &ia2_state.exit[i];
        if (r->kind == IA2_EXIT_QUICK && r->state == IA2_EXIT_ARMED &&
            (found == IA2_EXIT_RECORDS || r->sequence > ia2_state.exit[found].sequence))
            found = i;
    }
    if (found < IA2_EXIT_RECORDS)
        run_index(found, 0);
}

/* Whether \a registrant has its key. Constructors register as nobody: the program's before main,
 * and those of a compartment that is being loaded. Nobody else does in another's name. */
static int is_settled(int registrant)
{
    int settled = ia2_state.ready && ia2_state.module[registrant].descriptor;
    int current = ia2_state.ready ? ia2_current_compartment() : 0;
    if (current != registrant && (settled || current))
        ia2_die("compartment %d registers or deletes an exit function of another compartment (%d)",
                current, registrant);
    return settled;
}

int ia2_exit_register(int registrant, enum ia2_exit_kind kind, void (*function)(void),
                      void *argument, void *dso)
{
    int settled = is_settled(registrant);
    uint32_t index = add_record(registrant, kind, function, argument);
    if (index == IA2_EXIT_RECORDS)
        return -1;
    void *arg = (void *)(uintptr_t)index;
    /* libc runs what has a handle when that DSO's own destructors run, inside its compartment; not
     * what is not its. */
    if (settled && ia2_state.exit[index].compartment_id < 0)
        dso = NULL;
    int r = -1;
    if (kind == IA2_EXIT_ATEXIT || kind == IA2_EXIT_CXA)
        r = __cxa_atexit((void (*)(void *))(void *)run_cxa_status, arg, dso);
    else if (kind == IA2_EXIT_ON_EXIT)
        r = on_exit(run_on_exit, arg);
    else if (kind == IA2_EXIT_QUICK)
        r = __cxa_at_quick_exit(run_quick, NULL);
    else if (kind == IA2_EXIT_THREAD)
        r = __cxa_thread_atexit_impl(run_cxa, arg, dso);
    if (r)
        free_record(index);
    return r;
}

void ia2_exit_settle(int id)
{
    for (uint32_t i = 0; i < used_records(); i++) {
        const struct exit_record *r = &ia2_state.exit[i];
        if (r->state == IA2_EXIT_ARMED && r->kind != IA2_EXIT_KEY &&
            (!id || r->registered_by == id))
            IA2_STATE_SET(ia2_state.exit[i].compartment_id,
                          (int32_t)owner_of((const void *)r->function, r->registered_by));
    }
}

void ia2_exit_forget(int id)
{
    for (uint32_t i = 0; i < used_records(); i++)
        if (ia2_state.exit[i].state != IA2_EXIT_FREE && ia2_state.exit[i].registered_by == id)
            free_record(i);
}

void ia2_exit_start(void)
{
    ia2_exit_settle(0);
    if (ia2_state.exit_flags & IA2_EXIT_DIAG)
        at_quick_exit(print_counters);
}

/* crti.o's, which does nothing. */
static int is_empty_fini(const unsigned char *code)
{
    static const unsigned char endbr[] = {0xf3, 0x0f, 0x1e, 0xfa},
                               empty[] = {0x48, 0x83, 0xec, 0x08, 0x48, 0x83, 0xc4, 0x08, 0xc3};
    if (!memcmp(code, endbr, sizeof(endbr)))
        code += sizeof(endbr);
    return !memcmp(code, empty, sizeof(empty));
}

static void take_array(const struct dl_phdr_info *info, struct ia2_module *module,
                       ElfW(Dyn) * array, ElfW(Dyn) * size, void (**entries)(void))
{
    int id = (int)module->descriptor->id;
    void (**functions)(void) = (void (**)(void))(info->dlpi_addr + array->d_un.d_ptr);
    size_t count = size->d_un.d_val / sizeof(*functions);
    for (size_t i = 0; i < count; i++) {
        uint32_t index = add_record(id, IA2_EXIT_FINI_ARRAY, functions[i], NULL);
        if (index == IA2_EXIT_RECORDS || (i && index != module->exit_first + i))
            ia2_die("%s: too many destructors", module->descriptor->name);
        if (!i)
            module->exit_first = index;
    }
    module->exit_count = (uint32_t)count;
    array->d_un.d_ptr = (uintptr_t)&entries[0] - info->dlpi_addr;
    size->d_un.d_val = sizeof(*entries);
}

/* The loader would run these with PKRU 0, and destructors write their own globals. (.dynamic is
 * RELRO, hence the mprotect.) */
void ia2_exit_gate_module(const struct dl_phdr_info *info, struct ia2_module *module,
                          void (**entries)(void))
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        if (ph->p_type != PT_DYNAMIC)
            continue;
        ElfW(Dyn) *dynamic = (ElfW(Dyn) *)(info->dlpi_addr + ph->p_vaddr), *array = NULL,
                  *size = NULL, *fini = NULL;
        for (ElfW(Dyn) *d = dynamic; d->d_tag != DT_NULL; d++) {
            if (d->d_tag == DT_FINI_ARRAY)
                array = d;
            if (d->d_tag == DT_FINI_ARRAYSZ)
                size = d;
            if (d->d_tag == DT_FINI)
                fini = d;
        }
        char *low = (char *)((uintptr_t)dynamic & -IA2_PAGE);
        char *high = (char *)(((uintptr_t)dynamic + ph->p_memsz + IA2_PAGE - 1) & -IA2_PAGE);
        if (mprotect(low, (size_t)(high - low), PROT_READ | PROT_WRITE))
            ia2_die("cannot gate the destructors of %s (%s)", module->descriptor->name,
                    strerrorname_np(errno));
        if (array && size && size->d_un.d_val)
            take_array(info, module, array, size, entries);
        if (fini && !is_empty_fini((const unsigned char *)(info->dlpi_addr + fini->d_un.d_ptr))) {
            module->exit_fini =
                add_record((int)module->descriptor->id, IA2_EXIT_FINI,
                           (void (*)(void))(info->dlpi_addr + fini->d_un.d_ptr), NULL);
            if (module->exit_fini == IA2_EXIT_RECORDS)
                ia2_die("%s: too many destructors", module->descriptor->name);
            module->has_fini = 1;
            fini->d_un.d_ptr = (uintptr_t)entries[1] - info->dlpi_addr;
        }
        mprotect(low, (size_t)(high - low), PROT_READ);
    }
}

/* ---- running -------------------------------------------------------------------------------- */

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
    if (record->kind == IA2_EXIT_THREAD)
        free_record((uint32_t)index);
    else
        IA2_STATE_SET(ia2_state.exit[index].state, (uint32_t)IA2_EXIT_DONE);
}

void ia2_exit_invoke(size_t index, int status, int owner)
{
    struct exit_record record;
    if (index < IA2_EXIT_RECORDS && ia2_state.exit[index].compartment_id != owner)
        ia2_die("compartment %s: this exit function is not its own", compartment_name(owner));
    claim(index, &record);
    if (record.thread && record.thread != ia2_fs_base())
        ia2_die("compartment %s: an exit function of another thread", compartment_name(owner));
    ia2_exit_trace("  in compartment %s: PKRU %#010x", compartment_name(owner), ia2_read_pkru());
    call(&record, status);
}

/* With nobody's rights, or all. */
static void invoke_unowned(size_t index, int status)
{
    struct exit_record record;
    claim(index, &record);
    ia2_exit_trace("  in compartment %s: PKRU %#010x",
                   ia2_read_pkru() == IA2_PKRU_0 ? "nobody" : "ALL KEYS", ia2_read_pkru());
    call(&record, status);
}

static __thread int exit_status __attribute__((tls_model("initial-exec")));

static void call_with_all_keys(size_t index, int status)
{
    ia2_call_with_all_keys(index, status, invoke_unowned);
}

/* 1 if it faulted. */
static int run_as_nobody(size_t index, const struct exit_record *record, const char *symbol,
                         struct ia2_guard *own)
{
    uint64_t flags = ia2_state.exit_flags;
    int owner = record->compartment_id;
    if (owner < 0) {
        unknown++;
        event("event=unknown_owner function='%s' kind=%s registered_by=%s action=%s", symbol,
              kind_name(record->kind), compartment_name(record->registered_by),
              flags & IA2_EXIT_OPEN_ALL ? "run_with_all_keys" : "run_as_nobody");
    }
    /* A thread that ends while the process goes on dies of its faults, as in any program. */
    int survives = record->kind != IA2_EXIT_THREAD;
    if (flags & IA2_EXIT_LEGACY || (owner < 0 && flags & IA2_EXIT_ALLOW_ALL)) {
        fallback++;
        return ia2_guarded(own, call_with_all_keys, index, exit_status, survives);
    }
    if (owner < 0) {
        fallback++;
        return ia2_guarded(own, invoke_unowned, index, exit_status, survives);
    }
    int r = ia2_guarded(own, ia2_state.module[owner].descriptor->exit_call, index, exit_status,
                        survives);
    success += !r;
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
    const char *symbol = symbol_of((const void *)copy.function, copy.registered_by, text);
    if (self == owner &&
        self > 0) { /* libc runs what a DSO registered from its own destructors (__cxa_finalize) */
        ia2_exit_trace("running '%s' (%s) in compartment %s, entered before", symbol,
                       kind_name(copy.kind), compartment_name(owner));
        success++;
        ia2_exit_invoke(index, exit_status, owner);
        return 0;
    }
    uint32_t before = ia2_read_pkru();
    if (self != 0 || before != IA2_PKRU_0)
        return refuse(EPERM);
    if (owner > 0 && ia2_guard_is_spent(owner)) {
        faulted++;
        event("event=given_up function='%s' kind=%s compartment=%s reason=too_many_faults "
              "action=skip",
              symbol, kind_name(copy.kind), compartment_name(owner));
        return 0;
    }
    ia2_exit_trace("running '%s' (%s) target compartment %s (key %d): PKRU %#010x -> %#010x",
                   symbol, kind_name(copy.kind), compartment_name(owner < 0 ? 0 : owner),
                   owner < 0 ? 0 : owner, before,
                   owner > 0 ? ia2_state.module[owner].descriptor->pkru[owner] : IA2_PKRU_0);
    struct ia2_guard own = {.compartment = -1};
    ia2_signals_catch_faults();
    if (run_as_nobody(index, &copy, symbol, &own)) {
        faulted++;
        event("event=fault function='%s' kind=%s compartment=%s signal=%s in=%s action=continue",
              symbol, kind_name(copy.kind), compartment_name(owner < 0 ? 0 : owner),
              sigabbrev_np(own.fault), compartment_name(own.compartment));
    }
    uint32_t after = ia2_read_pkru();
    if (after != before)
        ia2_die("an exit function came back with other rights (PKRU %#x, not %#x)", after, before);
    ia2_exit_trace("  back from '%s': PKRU %#010x", symbol, after);
    return 0;
}

/* libc calls these as nobody; what a compartment has it call itself, in that compartment. */
static void run_index(size_t index, int status)
{
    if (index >= IA2_EXIT_RECORDS)
        ia2_die("libc's list of exit functions was tampered with");
    exit_status = status;
    if (!ia2_state.ready) { /* the process ends before main: there are no compartments yet */
        struct exit_record record;
        claim(index, &record);
        call(&record, status);
    } else if (ia2_run_destructor(&ia2_state.exit[index])) {
        event("event=refused index=%zu error=%s", index, strerrorname_np(errno));
    }
}

void ia2_exit_run_array(int id)
{
    if (id < 1 || (uint32_t)id > ia2_state.count)
        return;
    const struct ia2_module *module = &ia2_state.module[id];
    for (uint32_t i = module->exit_count; i-- > 0;) /* last entry first (gABI 5.5.2) */
        run_index(module->exit_first + i, exit_status);
}

void ia2_exit_run_fini(int id)
{
    if (id >= 1 && (uint32_t)id <= ia2_state.count && ia2_state.module[id].has_fini)
        run_index(ia2_state.module[id].exit_fini, exit_status);
}

/* ---- thread-specific values ----------------------------------------------------------------- */

/* Records are used again, so a name has the sequence number too. */
int64_t ia2_exit_add_key(int registrant, void (*destructor)(void *))
{
    is_settled(registrant);
    uint32_t index = add_record(registrant, IA2_EXIT_KEY, (void (*)(void))(void *)destructor, NULL);
    return index == IA2_EXIT_RECORDS
               ? -1
               : (int64_t)(ia2_state.exit[index].sequence * IA2_EXIT_RECORDS + index);
}

/* The record, or NULL. */
static const struct exit_record *key_record(int64_t name, int registrant)
{
    const struct exit_record *r = &ia2_state.exit[(uint64_t)name % IA2_EXIT_RECORDS];
    return r->state == IA2_EXIT_ARMED && r->kind == IA2_EXIT_KEY &&
                   r->registered_by == registrant &&
                   r->sequence == (uint64_t)name / IA2_EXIT_RECORDS
               ? r
               : NULL;
}

void ia2_exit_delete_key(int64_t name, int registrant)
{
    is_settled(registrant);
    const struct exit_record *record = key_record(name, registrant);
    if (record)
        free_record((uint32_t)(record - ia2_state.exit));
}

int ia2_exit_run_key(int64_t name, int registrant, void *value)
{
    char text[96];
    const struct exit_record *record = key_record(name, registrant);
    void (*destructor)(void *) = record ? (void (*)(void *))(void *)record->function : NULL;
    if (!destructor || !key_record(name, registrant))
        return 0;
    success++;
    if (ia2_state.exit_flags & IA2_EXIT_TRACE)
        ia2_exit_trace("running '%s' (%s) in compartment %s: PKRU %#010x",
                       symbol_of((const void *)destructor, registrant, text),
                       kind_name(IA2_EXIT_KEY), compartment_name(registrant), ia2_read_pkru());
    destructor(value);
    return 1;
}
