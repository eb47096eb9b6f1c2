/* The compartment's allocator: Debian's libjemalloc_pic.a under other names (jemalloc.redefine),
 * one private copy per compartment, so its metadata and thread caches are under the compartment's
 * key like everything else. */
#ifndef IA2_JEMALLOC_H
#define IA2_JEMALLOC_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

void *ia2_je_malloc(size_t);
void *ia2_je_calloc(size_t, size_t);
void *ia2_je_realloc(void *, size_t);
void ia2_je_free(void *);
int ia2_je_posix_memalign(void **, size_t, size_t);
void *ia2_je_aligned_alloc(size_t, size_t);
size_t ia2_je_malloc_usable_size(void *);
void *ia2_je_mallocx(size_t, int);
void *ia2_je_rallocx(void *, size_t, int);
void ia2_je_dallocx(void *, int);

/* The flags of mallocx and friends for blocks under key 0: an arena of their own, no thread cache
 * (a cached block could be handed out again as private memory). -1 if the arena cannot be made.
 * Thread-safe. */
int ia2_shared_arena_flags(void);

/* jemalloc's part of a thread's end: 1 if there was something to do. */
int ia2_jemalloc_thread_end(void);

#pragma GCC visibility pop

#endif
