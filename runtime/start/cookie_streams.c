#define _GNU_SOURCE
#include "start/cookie_streams.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/die.h"
#include "base/log.h"
#include "load/code_pages.h"
#include "start/libc_function.h"
#include "state/addresses.h"
#include "state/compartment_name.h"
#include "state/rights.h"
#include "state/state.h"
#include "state/system_calls.h"

typedef FILE *opener(void *, const char *, cookie_io_functions_t);

/* glibc, libio/libioP.h: struct _IO_FILE_plus, struct _IO_cookie_file; the same since 2.2. */
struct cookie_file {
    FILE file;
    void *const *functions_of_kind; /* its vtable */
    void *cookie;
    uintptr_t mangled[4]; /* read, write, seek, close */
};
_Static_assert(sizeof(struct cookie_file) == 0x108, "as glibc has it");
enum { KIND_READ = 14, KIND_WRITE, KIND_SEEK, KIND_CLOSE };

struct made {
    _Atomic(FILE *) stream; /* NULL: free */
    void *cookie;
    cookie_io_functions_t functions;
};

#define TABLE_SIZE (4 * IA2_PAGE)
#define STREAMS (TABLE_SIZE / sizeof(struct made))

/* fmemopen makes streams of this kind, with functions of libc's. Everybody may use these. */
#define MEMORY_KINDS 2
struct memory_kind {
    uintptr_t mangled[4];
    cookie_io_functions_t functions;
};

/* Read-only from the start on. */
static union {
    struct {
        opener *open;
        struct made *table[IA2_MAX_COMPARTMENTS]; /* under the key of its compartment */
        struct memory_kind memory[MEMORY_KINDS];
    };
    char page[IA2_PAGE];
} kept __attribute__((aligned(IA2_PAGE)));

/* Made before there were compartments, by code at `caller`. */
static struct {
    struct made made;
    uintptr_t caller;
} early[16];
static unsigned early_count;

/* ---- who made a stream ---------------------------------------------------------------------- */

static struct made *find(int key, FILE *stream)
{
    struct made *table = key >= 1 && key < IA2_MAX_COMPARTMENTS ? kept.table[key] : NULL;
    for (size_t i = 0; table && i < STREAMS; i++)
        if (table[i].stream == stream)
            return &table[i];
    return NULL;
}

static struct made *take_entry(int key)
{
    static FILE *const taken = (FILE *)1; /* no stream has this address */
    for (;;) {
        struct made *entry = find(key, NULL);
        FILE *none = NULL;
        if (!entry || atomic_compare_exchange_strong(&entry->stream, &none, taken))
            return entry;
    }
}

static void fill(struct made *entry, FILE *stream, void *cookie, cookie_io_functions_t functions)
{
    entry->cookie = cookie;
    entry->functions = functions;
    entry->stream = stream;
}

static FILE *make(void *cookie, const char *mode, cookie_io_functions_t functions, uintptr_t caller)
{
    opener *open = kept.open ? kept.open : (opener *)dlsym(RTLD_NEXT, "fopencookie");
    int key = kept.open ? ia2_current_compartment() : 0;
    struct made *entry = key >= 1 ? take_entry(key) : NULL;
    if (key >= 1 && !entry) {
        errno = EMFILE;
        return NULL;
    }
    FILE *stream = open(cookie, mode, functions);
    if (entry)
        fill(entry, stream, cookie, functions); /* free again if there is no stream */
    else if (stream && !kept.open && early_count < sizeof(early) / sizeof(*early)) {
        fill(&early[early_count].made, stream, cookie, functions);
        early[early_count++].caller = caller;
    }
    return stream;
}

FILE *ia2_cookie_stream(void *cookie, const char *mode, cookie_io_functions_t functions)
{
    return make(cookie, mode, functions, (uintptr_t)__builtin_return_address(0));
}

/* In place of libc's, for libraries that are no compartments: libia2.so comes before libc. */
FILE *fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions)
{
    return make(cookie, mode, functions, (uintptr_t)__builtin_return_address(0));
}

void ia2_cookie_streams_flush(void)
{
    int key = kept.open ? ia2_current_compartment() : 0;
    /* The last ones first, as libc does it. */
    for (size_t i = key >= 1 && kept.table[key] ? STREAMS : 0; i-- > 0;)
        if ((uintptr_t)kept.table[key][i].stream > 1)
            fflush(kept.table[key][i].stream);
}

/* ---- in place of libc's functions for this kind of stream -------------------------------------
 */

/* What the stream's functions are for who uses it now. With key 0 alone, which libc has at the end
 * of the process, there are none. */
static int functions_of(FILE *stream, void **cookie, cookie_io_functions_t *functions)
{
    const struct cookie_file *file = (const struct cookie_file *)stream;
    int key = ia2_current_compartment();
    const struct made *entry = find(key, stream);
    if (entry) {
        *cookie = entry->cookie;
        *functions = entry->functions;
        return 1;
    }
    for (int i = 0; i < MEMORY_KINDS; i++)
        if (!memcmp(kept.memory[i].mangled, file->mangled, sizeof(file->mangled))) {
            *cookie = file->cookie;
            *functions = kept.memory[i].functions;
            return 1;
        }
    if (key)
        ia2_die(
            "compartment %s uses a stream that it did not make with fopencookie(): the stream's "
            "functions would run with the rights of %s (let the compartment that made the "
            "stream use it, after main has begun)",
            ia2_compartment_name(key), ia2_compartment_name(key));
    return 0;
}

static ssize_t read_stream(FILE *stream, void *to, ssize_t size)
{
    void *cookie;
    cookie_io_functions_t functions;
    if (!functions_of(stream, &cookie, &functions) || !functions.read)
        return -1;
    return functions.read(cookie, to, (size_t)size);
}

static ssize_t write_stream(FILE *stream, const void *from, ssize_t size)
{
    void *cookie;
    cookie_io_functions_t functions;
    ssize_t written = 0;
    if (!functions_of(stream, &cookie, &functions))
        ia2_say("warning: a stream that a compartment made with fopencookie() was not closed, and "
                "%zd bytes of it are lost (call fclose() or fflush() before the program ends)",
                size);
    else if (functions.write)
        written = functions.write(cookie, from, (size_t)size);
    if (written < size)
        stream->_flags |= 0x20; /* _IO_ERR_SEEN, libio/libio.h */
    return written;
}

static off64_t seek_stream(FILE *stream, off64_t offset, int whence)
{
    void *cookie;
    cookie_io_functions_t functions;
    if (!functions_of(stream, &cookie, &functions) || !functions.seek ||
        functions.seek(cookie, &offset, whence) == -1)
        return -1;
    return offset;
}

static int close_stream(FILE *stream)
{
    void *cookie;
    cookie_io_functions_t functions;
    if (!functions_of(stream, &cookie, &functions))
        return 0;
    struct made *entry = find(ia2_current_compartment(), stream);
    if (entry)
        entry->stream = NULL;
    return functions.close ? functions.close(cookie) : 0;
}

/* ---- start-up -------------------------------------------------------------------------------- */

/* glibc keeps function pointers rotated, and mixed with a secret of the process that every
 * compartment can read (sysdeps/x86_64/pointer_guard.h). */
static void *plain_pointer(uintptr_t mangled)
{
    uintptr_t secret;
    __asm__("mov %%fs:0x30, %0" : "=r"(secret));
    return (void *)((mangled >> 17 | mangled << 47) ^ secret);
}

/* Learns a kind of stream of libc's own; returns the code for this kind of stream. */
static void *const *learn(struct memory_kind *kind, const char *version)
{
    char byte = 0;
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    FILE *(*open)(void *, size_t, const char *) =
        libc ? (FILE * (*)(void *, size_t, const char *)) dlvsym(libc, "fmemopen", version) : NULL;
    FILE *stream = open ? open(&byte, 1, "r") : NULL;
    const struct cookie_file *file = (const struct cookie_file *)stream;
    void *functions[4];
    Dl_info info;
    if (!stream)
        ia2_die("libc makes no stream with fmemopen@%s (%s)", version, strerrorname_np(errno));
    for (int i = 0; i < 4; i++) {
        functions[i] = plain_pointer(file->mangled[i]);
        if (!dladdr(functions[i], &info) || !strstr(info.dli_fname, "libc.so"))
            ia2_die("libc's streams are of an unknown form; the runtime knows glibc 2.36 to 2.41");
    }
    memcpy(kind->mangled, file->mangled, sizeof(kind->mangled));
    memcpy(&kind->functions, functions, sizeof(kind->functions));
    void *const *code = file->functions_of_kind;
    fclose(stream);
    dlclose(libc);
    return code;
}

static void give_tables(void)
{
    for (uint32_t key = 1; key <= ia2_state.count; key++) {
        struct made *table = ia2_sys_reserve(TABLE_SIZE, IA2_PAGE);
        if (!table || ia2_sys_protect(table, TABLE_SIZE, PROT_READ | PROT_WRITE, (int)key))
            ia2_die("no memory for the streams of compartment %u", key);
        kept.table[key] = table;
        ia2_state.streams[key] =
            (struct ia2_range){(uintptr_t)table, (uintptr_t)table + TABLE_SIZE};
    }
    for (unsigned i = 0; i < early_count; i++)
        for (uint32_t key = 1; key <= ia2_state.count; key++)
            if (ia2_is_code_of((int)key, early[i].caller))
                fill(take_entry((int)key), early[i].made.stream, early[i].made.cookie,
                     early[i].made.functions);
}

void ia2_cookie_streams_start(struct ia2_code_pages *pages)
{
    static const struct {
        int index;
        void (*code)(void);
    } diverted[] = {
        {KIND_READ, (void (*)(void))read_stream},
        {KIND_WRITE, (void (*)(void))write_stream},
        {KIND_SEEK, (void (*)(void))seek_stream},
        {KIND_CLOSE, (void (*)(void))close_stream},
    };
    size_t size;
    opener *open = (opener *)ia2_libc_function("fopencookie", &size);
    if (!open)
        ia2_die("libc has no fopencookie; the runtime knows glibc 2.36 to 2.41");
    learn(&kept.memory[1], "GLIBC_2.2.5");
    void *const *code = learn(&kept.memory[0], "GLIBC_2.22");
    for (size_t i = 0; i < sizeof(diverted) / sizeof(*diverted); i++)
        ia2_libc_jump(pages, code[diverted[i].index], diverted[i].code);
    give_tables();
    kept.open = open;
    if (mprotect(&kept, sizeof(kept), PROT_READ))
        ia2_die("cannot keep what is known of libc's streams (%s)", strerrorname_np(errno));
}
