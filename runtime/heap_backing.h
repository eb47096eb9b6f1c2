/* What jemalloc stands on, for the heap of IA2_HEAP_OWNER (defined by the including file; included once per DSO).
 *
 * Debian's libjemalloc_pic.a is used as it is; the build renames its entry points (ia2_je_*) and the libc functions it
 * must not get from libc (jemalloc.redefine). */
#ifndef IA2_HEAP_BACKING_H
#define IA2_HEAP_BACKING_H

#include <stddef.h>
#include <sys/mman.h>

void *ia2_je_malloc(size_t);
void *ia2_je_calloc(size_t, size_t);
void *ia2_je_realloc(void *, size_t);
void ia2_je_free(void *);
int ia2_je_posix_memalign(void **, size_t, size_t);
void *ia2_je_aligned_alloc(size_t, size_t);
size_t ia2_je_malloc_usable_size(void *);

/* One arena: a compartment has few threads that allocate at once, and each arena costs memory. Debian's dav1d
 * is measured by scripts/bench. Unused pages go back at once, as glibc's large blocks do. */
__attribute__((visibility("hidden"))) const char *ia2_je_malloc_conf =
    "narenas:2,dirty_decay_ms:500,muzzy_decay_ms:0,lg_tcache_max:13,retain:true,abort_conf:true";

__attribute__((visibility("hidden"))) void *ia2_heap_mmap(void *hint, size_t size, int prot, int flags, int fd, long offset)
{
    (void)prot, (void)fd, (void)offset;
    /* A fixed address is jemalloc committing what it already owns. */
    if (flags & MAP_FIXED)
        return mprotect(hint, size, PROT_READ | PROT_WRITE) ? MAP_FAILED : hint;
    if (hint)
        return MAP_FAILED; /* it asks to extend a range; it can do without */
    void *p = ia2_heap_range_map(size, 0, IA2_HEAP_OWNER);
    return p ? p : MAP_FAILED;
}

__attribute__((visibility("hidden"))) int ia2_heap_munmap(void *p, size_t size)
{
    return ia2_heap_range_unmap(p, size);
}

/* Heap profiling is compiled in and never turned on; what it needs would pull in libgcc_s and libm. */
static __attribute__((noreturn, used)) void no_profiling(void)
{
    ia2_die("heap profiling is not available");
}
#define NO_PROFILING(name) __attribute__((visibility("hidden"), noreturn, alias("no_profiling"))) void ia2_heap_no_##name(void)
NO_PROFILING(unwind_backtrace);
NO_PROFILING(unwind_getip);
NO_PROFILING(log);
NO_PROFILING(exp);
NO_PROFILING(round);
#undef NO_PROFILING

/* jemalloc has one thread-specific value, its own thread state. libc would keep it under key 0. */
static void (*heap_thread_end)(void *);
static __thread void *heap_thread_state;

__attribute__((visibility("hidden"))) int ia2_heap_key_create(unsigned *key, void (*destructor)(void *))
{
    if (heap_thread_end)
        ia2_die("the heap wants a second thread-specific key");
    heap_thread_end = destructor;
    *key = 0;
    return 0;
}

__attribute__((visibility("hidden"))) int ia2_heap_set_specific(unsigned key, const void *value)
{
    (void)key;
    heap_thread_state = (void *)value;
    return 0;
}

/* 1 if there was something to do. */
static inline int ia2_heap_thread_end(void)
{
    void *state = heap_thread_state;
    if (!state)
        return 0;
    heap_thread_state = NULL;
    heap_thread_end(state);
    return 1;
}

#endif
