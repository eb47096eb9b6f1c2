/* The shared heap. Its metadata lie under key 0, where every compartment can corrupt them, so it never runs with more rights
 * than key 0: compartments come here through the gates to nobody, and check what comes back (shared_memory.c). */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "heap_ranges.h"

#define IA2_HEAP_OWNER IA2_OWNER_SHARED
#include "heap_backing.h"

void *ia2_nobody_shared_alloc(size_t size, size_t align, int zero)
{
    if (align > 16) {
        void *p = NULL;
        return ia2_je_posix_memalign(&p, align, size) ? NULL : p;
    }
    return zero ? ia2_je_calloc(1, size) : ia2_je_malloc(size);
}

void *ia2_nobody_shared_resize(void *p, size_t size)
{
    return ia2_je_realloc(p, size);
}

void ia2_nobody_shared_free(void *p)
{
    ia2_je_free(p);
}

size_t ia2_nobody_shared_size(void *p)
{
    return ia2_je_malloc_usable_size(p);
}

/* fork: its locks are under key 0, so libc may run these with the rights of whoever forks. */
__attribute__((visibility("hidden"))) int ia2_heap_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    return pthread_atfork(prepare, parent, child);
}

int ia2_shared_heap_thread_end(void)
{
    return ia2_heap_thread_end();
}
