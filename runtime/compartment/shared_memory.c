/* shared_malloc and family. The heap itself runs as nobody; what it says is believed only as far as the address goes. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "compartment.h"
#include "../heap_ranges.h"
#include "ia2.h"

#define HIDDEN __attribute__((visibility("hidden")))

static void *checked(void *p, size_t size)
{
    if (!p) {
        errno = ENOMEM;
        return NULL;
    }
    if (ia2_heap_owner(p) != IA2_OWNER_SHARED || ia2_heap_owner((char *)p + (size ? size - 1 : 0)) != IA2_OWNER_SHARED)
        ia2_die("the shared heap is corrupt: it gave %p", p);
    return p;
}

HIDDEN void *shared_malloc(size_t size)
{
    return checked(__ia2_nobody_shared_alloc(size, 0, 0), size);
}

HIDDEN void *ia2_shared_aligned(size_t size, size_t align)
{
    return checked(__ia2_nobody_shared_alloc(size, align, 0), size);
}

HIDDEN void *shared_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return checked(__ia2_nobody_shared_alloc(bytes, 0, 1), bytes);
}

static void must_be_shared(const void *p)
{
    if (p && ia2_heap_owner(p) != IA2_OWNER_SHARED)
        ia2_die("%p is not from the shared heap", p);
}

HIDDEN void *shared_realloc(void *p, size_t size)
{
    must_be_shared(p);
    return checked(__ia2_nobody_shared_resize(p, size), size);
}

HIDDEN void shared_free(void *p)
{
    must_be_shared(p);
    __ia2_nobody_shared_free(p);
}
