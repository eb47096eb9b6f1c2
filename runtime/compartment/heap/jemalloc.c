/* What jemalloc stands on in this compartment: where its memory comes from, and what it must not
 * get from libc. */
#define _GNU_SOURCE
#include "compartment/heap/jemalloc.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>

#include "base/die.h"
#include "memory/heap_ranges.h"
#include "compartment/compartment.h"

#define HIDDEN __attribute__((visibility("hidden")))

/* One arena: a compartment has few threads that allocate at once, and each arena costs memory
 * (scripts/bench). Blocks of 256 KiB and more go back to the kernel when they are freed, as glibc's
 * do from 128 KiB on. All smaller ones are kept by the thread for a while: from 32 KiB on jemalloc
 * would else merge and split them in the arena each time ([m] four times what malloc and free take
 * so; the same memory). */
HIDDEN const char *ia2_je_malloc_conf = "narenas:1,oversize_threshold:262144,tcache_max:229376,"
                                        "dirty_decay_ms:500,muzzy_decay_ms:0,abort_conf:true";

HIDDEN void *ia2_heap_mmap(void *hint, size_t size, int prot, int flags, int fd, long offset)
{
    (void)prot, (void)fd, (void)offset;
    if (flags & MAP_FIXED) /* committing what it already has */
        return mprotect(hint, size, PROT_READ | PROT_WRITE) ? MAP_FAILED : hint;
    if (hint)
        return MAP_FAILED; /* it asks to extend a range, and can do without */
    void *p = ia2_heap_range_map(size, 0, (int)ia2_this_compartment.id);
    return p ? p : MAP_FAILED;
}

HIDDEN int ia2_heap_munmap(void *p, size_t size)
{
    return ia2_heap_range_unmap(p, size);
}

/* Heap profiling is compiled in and never turned on; what it needs would pull in libgcc_s and libm.
 */
static __attribute__((noreturn, used)) void no_profiling(void)
{
    ia2_die("heap profiling is not available");
}
#define NO_PROFILING(name) \
    HIDDEN __attribute__((noreturn, alias("no_profiling"))) void ia2_heap_no_##name(void)
NO_PROFILING(unwind_backtrace);
NO_PROFILING(unwind_getip);
NO_PROFILING(log);
NO_PROFILING(exp);
NO_PROFILING(round);

/* Nor does it prepare what is never used (rename_jemalloc.sh): false is success. Their locks are
 * valid as zeroes. */
static __attribute__((used)) bool nothing_to_prepare(void)
{
    return false;
}
#define NOT_PREPARED(name) \
    HIDDEN __attribute__((alias("nothing_to_prepare"))) bool ia2_heap_no_##name(void)
NOT_PREPARED(prof_boot0);
NOT_PREPARED(prof_boot1);
NOT_PREPARED(prof_boot2);
NOT_PREPARED(stats_boot);
NOT_PREPARED(ctl_boot);

/* ---- thread state --------------------------------------------------------------------------- */

/* jemalloc has one thread-specific value, its own thread state. libc would keep the pointer under
 * key 0. */
static void (*thread_end)(void *);
static __thread void *thread_state;

HIDDEN int ia2_heap_key_create(unsigned *key, void (*destructor)(void *))
{
    if (thread_end)
        ia2_die("the heap wants a second thread-specific key");
    thread_end = destructor;
    *key = 0;
    return 0;
}

HIDDEN int ia2_heap_set_specific(unsigned key, const void *value)
{
    (void)key;
    thread_state = (void *)value;
    return 0;
}

int ia2_jemalloc_thread_end(void)
{
    void *state = thread_state;
    if (!state)
        return 0;
    thread_state = NULL;
    thread_end(state);
    return 1;
}

/* ---- shared blocks -------------------------------------------------------------------------- */

/* jemalloc 5.3, include/jemalloc/jemalloc_typedefs.h and doc/jemalloc.xml,
 * "arena.<i>.extent_hooks". */
struct extent_hooks {
    void *(*alloc)(struct extent_hooks *, void *, size_t, size_t, bool *, bool *, unsigned);
    bool (*dalloc)(struct extent_hooks *, void *, size_t, bool, unsigned);
    void (*destroy)(struct extent_hooks *, void *, size_t, bool, unsigned);
    bool (*commit)(struct extent_hooks *, void *, size_t, size_t, size_t, unsigned);
    bool (*decommit)(struct extent_hooks *, void *, size_t, size_t, size_t, unsigned);
    bool (*purge_lazy)(struct extent_hooks *, void *, size_t, size_t, size_t, unsigned);
    bool (*purge_forced)(struct extent_hooks *, void *, size_t, size_t, size_t, unsigned);
    bool (*split)(struct extent_hooks *, void *, size_t, size_t, size_t, bool, unsigned);
    bool (*merge)(struct extent_hooks *, void *, size_t, void *, size_t, bool, unsigned);
};
struct arena_config {
    struct extent_hooks *hooks;
    bool metadata_use_hooks;
};

static void *shared_extent(struct extent_hooks *hooks, void *at, size_t size, size_t align,
                           bool *zero, bool *commit, unsigned arena)
{
    (void)hooks, (void)arena;
    if (at)
        return NULL;
    *zero = *commit = true;
    return ia2_heap_range_map(size, align, (int)ia2_this_compartment.id | IA2_OWNER_SHARED);
}

static bool purge(struct extent_hooks *hooks, void *start, size_t size, size_t offset,
                  size_t length, unsigned arena)
{
    (void)hooks, (void)size, (void)arena;
    return madvise((char *)start + offset, length, MADV_DONTNEED) != 0;
}

static bool split(struct extent_hooks *hooks, void *start, size_t size, size_t a, size_t b,
                  bool committed, unsigned arena)
{
    (void)hooks, (void)start, (void)size, (void)a, (void)b, (void)committed, (void)arena;
    return false;
}

static bool merge(struct extent_hooks *hooks, void *a, size_t a_size, void *b, size_t b_size,
                  bool committed, unsigned arena)
{
    (void)hooks, (void)a, (void)a_size, (void)b, (void)b_size, (void)committed, (void)arena;
    return false;
}

static struct extent_hooks shared_hooks = {
    .alloc = shared_extent, .purge_forced = purge, .split = split, .merge = merge};
static int shared_flags = -1;

/* What mallctl("arenas.create") does, without mallctl: its first use costs 400 KiB of statistics
 * ([m] jemalloc 5.3.0, the version of Debian 12 and 13). */
unsigned je_narenas_total_get(void);
void *je_arena_init(void *tsdn, unsigned index, const struct arena_config *config);
extern __thread char je_tsd_tls[];

static void make_shared_arena(void)
{
    static const struct arena_config config = {&shared_hooks, false};
    ia2_je_free(
        ia2_je_malloc(1)); /* jemalloc and its state for this thread are there from here on */
    unsigned arena = je_narenas_total_get();
    if (je_arena_init(je_tsd_tls, arena, &config))
        shared_flags =
            (int)((arena + 1) << 20 | 1u << 8); /* MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE */
}

int ia2_shared_arena_flags(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_shared_arena);
    return shared_flags;
}
