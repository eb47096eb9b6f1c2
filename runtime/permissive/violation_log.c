#define _GNU_SOURCE
#include "permissive/violation_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "state/addresses.h"
#include "base/die.h"
#include "base/log.h"
#include "state/compartment_name.h"
#include "state/rights.h"
#include "state/state.h"
#include "state/system_calls.h"
#include "permissive/memory_kind.h"
#include "permissive/objects.h"
#include "permissive/vector_reads.h"

#define RECORDS (1u << 14)
#define COUNT_WIDTH 12

/* A violation costs two signals, so a place that has had so many opens the pages that it hits from
 * then on. Above this a run in the VM would take minutes. */
#define HOT 4096
#define OPEN_PAGES 8192
#define CLOSED "false, \"count\": " /* and as long: */
#define OPENED "true , \"count\": "

/* Shared with forked children, which write to the same file. */
static struct shared {
    _Atomic uint64_t length; /* of the file */
    _Atomic uint64_t different, total, lost;
    struct record {
        _Atomic uint64_t identity; /* 0: free */
        _Atomic uint64_t count;
        _Atomic uint64_t count_at; /* where in the file; 0: not written yet */
    } record[RECORDS];
} *shared;

static int file = -1;
static pid_t opener;
static char path[PATH_MAX];

/* ---- one line ------------------------------------------------------------------------------- */

struct line {
    char text[4096];
    size_t length;
};

static __attribute__((format(printf, 2, 3))) void put(struct line *line, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(line->text + line->length, sizeof(line->text) - line->length, format, ap);
    va_end(ap);
    line->length += n > 0 ? (size_t)n : 0;
    if (line->length >= sizeof(line->text))
        line->length = sizeof(line->text) - 1;
}

static void put_string(struct line *line, const char *text)
{
    put(line, "\"");
    for (; *text && line->length + 8 < sizeof(line->text); text++)
        if (*text == '"' || *text == '\\')
            put(line, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            put(line, "\\u%04x", *text);
        else
            put(line, "%c", *text);
    put(line, "\"");
}

/* The function that the direct call before \a at calls: it may have gone on to another one by a
 * jump, and so have no frame. */
static void put_called(struct line *line, const struct ia2_object *object, uintptr_t at)
{
    struct ia2_symbol symbol;
    int32_t distance;
    if (at - 5 < object->code || at > object->code_end || ((const uint8_t *)at)[-5] != 0xe8)
        return;
    memcpy(&distance, (const char *)at - 4, sizeof(distance));
    uintptr_t called = at + (uintptr_t)(intptr_t)distance;
    if (!ia2_symbol_at(object, called, &symbol) || symbol.start != called)
        return;
    put(line, ", \"calls\": ");
    put_string(line, symbol.name);
}

/* Where code is: {"object": .., "offset": .., "function": ..}, null if in no DSO. \a returned: \a
 * at is a return address. */
static void put_code(struct line *line, const char *name, uintptr_t at, int returned)
{
    const struct ia2_object *object = at ? ia2_object_at(at) : NULL;
    struct ia2_symbol symbol;
    if (*name)
        put(line, ", \"%s\": ", name);
    if (!object) {
        put(line, "null");
        return;
    }
    put(line, "{\"object\": ");
    put_string(line, object->path);
    put(line, ", \"offset\": \"%#zx\"", (size_t)(at - object->base));
    if (ia2_symbol_at(object, at, &symbol)) {
        put(line, ", \"function\": ");
        put_string(line, symbol.name);
    }
    if (returned)
        put_called(line, object, at);
    put(line, "}");
}

static void put_frames(struct line *line, const uintptr_t *frames)
{
    if (!frames[0])
        return;
    put(line, ", \"frames\": [");
    for (int i = 0; i < IA2_BLOCK_FRAMES && frames[i]; i++) {
        put(line, i ? ", " : "");
        put_code(line, "", frames[i], 1);
    }
    put(line, "]");
}

static void put_memory(struct line *line, const struct ia2_memory *memory)
{
    put(line, ", \"memory\": {\"kind\": \"%s\"", memory->kind);
    if (memory->name) {
        put(line, ", \"name\": ");
        put_string(line, memory->name);
    }
    if (memory->size)
        put(line, ", \"size\": %zu", memory->size);
    if (memory->size || memory->name || memory->offset)
        put(line, ", \"at\": %td", (ptrdiff_t)memory->offset);
    if (memory->thread)
        put(line, ", \"thread\": %d", memory->thread);
    if (memory->object) {
        put(line, ", \"object\": ");
        put_string(line, memory->object->path);
    }
    put_frames(line, memory->frames);
    put(line, "}");
}

/* The compartment's name as JSON, null if there is none. */
static void put_name(struct line *line, int key)
{
    if (key == 0 || ia2_has_compartment(key))
        put_string(line, ia2_compartment_name(key));
    else
        put(line, "null");
}

static void put_compartment(struct line *line, const char *role, int key)
{
    put(line, ", \"%s\": ", role);
    put_name(line, key);
    put(line, ", \"%s_key\": %d", role, key);
}

static int write_at(const char *text, size_t size, uint64_t offset)
{
    if (pwrite(file, text, size, (off_t)offset) == (ssize_t)size)
        return 1;
    /* The program may have closed every descriptor it does not know. */
    int fd = errno == EBADF ? open(path, O_WRONLY | O_CLOEXEC) : -1;
    if (fd >= 0)
        file = fd;
    return fd >= 0 && pwrite(file, text, size, (off_t)offset) == (ssize_t)size;
}

/* ---- counting ------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 29;
}

static uint64_t identity_of(const struct ia2_violation *v, const struct ia2_memory *memory)
{
    uint64_t hash = mix((uint64_t)v->kind[0] << 8 | (uint64_t)v->kind[1], v->instruction);
    hash = mix(hash, v->caller);
    hash = mix(hash, (uint64_t)(v->accessor + 1) << 16 | (uint64_t)(v->owner + 1) << 8 |
                         (uint64_t)v->writes);
    hash = mix(hash, (uint64_t)(uintptr_t)memory->kind);
    for (int i = 0; i < IA2_BLOCK_FRAMES && memory->frames[i]; i++)
        hash = mix(hash, memory->frames[i]);
    hash = mix(hash, memory->start);
    return hash ? hash : 1;
}

/* The record of what has this identity; \a fresh: it is new. NULL if there is no room. */
static struct record *find_record(uint64_t identity, int *fresh)
{
    for (unsigned i = 0; i < RECORDS; i++) {
        struct record *record = &shared->record[(identity + i) % RECORDS];
        uint64_t found = 0;
        *fresh = atomic_compare_exchange_strong(&record->identity, &found, identity);
        if (*fresh || found == identity)
            return record;
    }
    return NULL;
}

static void write_count(const struct record *record)
{
    char text[COUNT_WIDTH + 1];
    uint64_t at = record->count_at, count = record->count;
    if (!at)
        return;
    int n = snprintf(text, sizeof(text), "%*lu", COUNT_WIDTH, (unsigned long)count);
    if (n == COUNT_WIDTH)
        write_at(text, COUNT_WIDTH, at);
}

/* NULL if there is no room. */
static struct record *record(const struct ia2_violation *v, const struct ia2_memory *memory)
{
    int fresh;
    struct record *counted = find_record(identity_of(v, memory), &fresh);
    atomic_fetch_add(&shared->total, 1);
    if (!counted) {
        atomic_fetch_add(&shared->lost, 1);
        return NULL;
    }
    uint64_t count = atomic_fetch_add(&counted->count, 1) + 1;
    if (!fresh) {
        if (!(count & (count - 1)))
            write_count(counted);
        return counted;
    }
    atomic_fetch_add(&shared->different, 1);
    struct line line = {.length = 0};
    put(&line, "{\"kind\": \"%s\", \"access\": \"%s\"", v->kind, v->writes ? "write" : "read");
    put_compartment(&line, "accessor", v->accessor);
    put_compartment(&line, "owner", v->owner);
    put(&line, ", \"address\": \"%#zx\", \"pkru\": \"%#x\", \"thread\": %d", v->address, v->pkru,
        gettid());
    if (v->function) {
        put(&line, ", \"function\": ");
        put_string(&line, v->function);
    }
    put_code(&line, "at", v->instruction, strcmp(v->kind, "access") != 0);
    put_code(&line, "caller", v->caller, 1);
    put_memory(&line, memory);
    if (line.length >
        sizeof(line.text) - 64) { /* names of many hundred bytes: the line must still be JSON */
        line.length = 0;
        put(&line, "{\"kind\": \"%s\", \"access\": \"%s\"", v->kind, v->writes ? "write" : "read");
        put_compartment(&line, "accessor", v->accessor);
        put_compartment(&line, "owner", v->owner);
        put(&line,
            ", \"address\": \"%#zx\", \"at\": null, \"caller\": null, \"memory\": {\"kind\": "
            "\"%s\"}",
            v->address, memory->kind);
    }
    put(&line, ", \"opened\": " CLOSED "%*d}\n", COUNT_WIDTH, 1);
    uint64_t at = atomic_fetch_add(&shared->length, line.length);
    if (!write_at(line.text, line.length, at))
        ia2_say("permissive: cannot write to %s (%s)", path, strerrorname_np(errno));
    counted->count_at = at + line.length - COUNT_WIDTH - 2;
    return counted;
}

void ia2_violation_log(const struct ia2_violation *v)
{
    struct ia2_memory memory;
    ia2_memory_kind(v->address, v->owner, &memory);
    record(v, &memory);
}

/* ---- accesses ------------------------------------------------------------------------------- */

/* Whoever's memory it is loses the page to all. 0: it stays closed. */
static int open_page(const struct ia2_violation *v, const struct ia2_memory *memory,
                     const struct record *counted)
{
    static _Atomic unsigned opened; /* each splits a mapping, of which the kernel has few */
    char *page = (char *)(v->address & -IA2_PAGE);
    if (!strcmp(memory->kind, "mapping") || !strcmp(memory->kind, "code") || !counted->count_at ||
        atomic_fetch_add(&opened, 1) >= OPEN_PAGES ||
        ia2_sys_protect(page, IA2_PAGE, PROT_READ | PROT_WRITE, 0))
        return 0;
    write_count(counted);
    write_at(OPENED, strlen(OPENED), counted->count_at - strlen(OPENED));
    return 1;
}

int ia2_violation_log_access(const siginfo_t *info, const ucontext_t *context, uint32_t pkru)
{
    const greg_t *r = context->uc_mcontext.gregs;
    struct ia2_violation v = {.kind = "access",
                              .address = (uintptr_t)info->si_addr,
                              .instruction = (uintptr_t)r[REG_RIP],
                              .accessor = ia2_compartment_of_pkru(pkru),
                              .owner = (int)info->si_pkey,
                              .pkru = pkru,
                              .writes = (r[REG_ERR] & 2) != 0};
    /* In libc, mostly: who called it. */
    if (v.accessor > 0 && !ia2_is_code_of(v.accessor, v.instruction))
        v.caller = ia2_caller(v.accessor);
    struct ia2_memory memory;
    ia2_memory_kind(v.address, v.owner, &memory);
    if (!v.writes) {
        const struct ia2_read read = {v.address, v.caller, v.accessor, v.owner};
        ia2_vector_read(context, &read, &memory);
    }
    const struct record *counted = record(&v, &memory);
    return counted && counted->count >= HOT && open_page(&v, &memory, counted);
}

/* ---- the file ------------------------------------------------------------------------------- */

/* Nanoseconds since 1970. In the VM process ids are the same in each run. */
static unsigned long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (unsigned long long)time.tv_sec * 1000000000 + (unsigned long long)time.tv_nsec;
}

static void find_path(void)
{
    const char *wanted = getenv("IA2_VIOLATION_LOG");
    char name[PATH_MAX], folder[PATH_MAX] = "";
    size_t n = 0;
    if (!wanted || !*wanted) {
        snprintf(name, sizeof(name), "%s.violations.json", program_invocation_short_name);
    } else {
        for (const char *c = wanted; *c && n < sizeof(name) - 24; c++)
            if (c[0] == '%' && c[1] == 'p')
                n += (size_t)snprintf(name + n, sizeof(name) - n, "%d", getpid()), c++;
            else if (c[0] == '%' && c[1] == 't')
                n += (size_t)snprintf(name + n, sizeof(name) - n, "%llu", now()), c++;
            else
                name[n++] = *c;
        name[n] = 0;
    }
    if (name[0] != '/' && !getcwd(folder, sizeof(folder)))
        ia2_die("permissive: there is no current directory to write %s to; set IA2_VIOLATION_LOG",
                name);
    if ((size_t)snprintf(path, sizeof(path), "%s%s%s", folder, *folder ? "/" : "", name) >=
        sizeof(path))
        ia2_die("permissive: the name of the violation log is too long");
}

/* How the run ended, in the first line; all of one width. */
#define NOT_ENDED "null  "
static uint64_t ended_at;

static void write_first_line(void)
{
    struct line line = {.length = 0};
    char program[PATH_MAX] = "";
    if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
        strcpy(program, program_invocation_name);
    put(&line,
        "{\"kind\": \"run\", \"version\": 1, \"note\": \"permissive: nothing is enforced\", "
        "\"pkeys\": %s, \"program\": ",
        ia2_state.pkeys ? "true" : "false");
    put_string(&line, program);
    put(&line, ", \"compartments\": [");
    for (uint32_t key = 1; key <= ia2_state.count; key++) {
        put(&line, key > 1 ? ", " : "");
        put_name(&line, (int)key);
    }
    put(&line, "], \"ended\": ");
    ended_at = line.length;
    put(&line, "%s}\n", NOT_ENDED);
    shared->length = line.length;
    if (!write_at(line.text, line.length, 0))
        ia2_die("permissive: cannot write to %s (%s)", path, strerrorname_np(errno));
}

void ia2_violation_log_open(void)
{
    if (getauxval(AT_SECURE))
        ia2_die("permissive: nothing is enforced, so this program does not run set-user-ID or with "
                "capabilities of its file");
    find_path();
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        ia2_die("permissive: no memory for the record of violations");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        ia2_die("permissive: cannot write %s (%s); name another file with IA2_VIOLATION_LOG", path,
                strerrorname_np(errno));
    /* Out of the way of programs that close or count the low descriptors. */
    file = fcntl(fd, F_DUPFD_CLOEXEC, 900);
    if (file < 0)
        file = fd;
    else
        close(fd);
    opener = getpid();
    write_first_line();
    ia2_say("warning: permissive: nothing is enforced; violations are written to %s", path);
    if (!ia2_state.pkeys)
        ia2_say("warning: permissive: without protection keys no violation is seen: the log will "
                "be empty");
}

/* How much a line of the policy would open. */
static void write_site(const struct ia2_block_site *site)
{
    struct line line = {.length = 0};
    put(&line, "{\"kind\": \"allocated\"");
    put_compartment(&line, "owner", site->owner);
    put(&line, ", \"blocks\": %lu, \"bytes\": %lu", (unsigned long)site->blocks,
        (unsigned long)site->bytes);
    put_frames(&line, site->frames);
    if (line.length > sizeof(line.text) - 64) /* names of many hundred bytes */
        return;
    put(&line, "}\n");
    write_at(line.text, line.length, atomic_fetch_add(&shared->length, line.length));
}

static void end(const char *how)
{
    static _Atomic int said;
    if (!shared)
        return;
    for (unsigned i = 0; i < RECORDS; i++)
        if (shared->record[i].count > 1)
            write_count(&shared->record[i]);
    if (getpid() != opener)
        return;
    write_at(how, strlen(how), ended_at);
    if (atomic_exchange(&said, 1))
        return;
    ia2_block_sites(write_site);
    ia2_say("permissive: nothing was enforced: %lu violations, %lu different ones, are in %s",
            (unsigned long)shared->total, (unsigned long)(shared->different), path);
    if (shared->lost)
        ia2_say("permissive: the log has no room for %lu of them", (unsigned long)shared->lost);
}

void ia2_permissive_end(void)
{
    end("\"died\"");
}

void ia2_permissive_exit(void)
{
    end("\"exit\"");
}

/* Every compartment needs this DSO, so the loader runs this after their destructors; 101 after
 * those of this one. */
__attribute__((destructor(101))) static void at_the_end(void)
{
    ia2_permissive_exit();
}
