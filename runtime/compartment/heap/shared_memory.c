/* shared_malloc and family. A shared block lies under key 0, but the compartment that allocated it
 * keeps its books in its own memory (jemalloc's metadata are not in the blocks), so nobody can
 * corrupt them; others free it through a gate. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "memory/heap_ranges.h"
#include "base/die.h"
#include "compartment/compartment.h"
#include "compartment/heap/shared_memory.h"
#include "ia2.h"
#include "compartment/heap/jemalloc.h"
#include "compartment/heap/lent_blocks.h"

#define HIDDEN __attribute__((visibility("hidden")))
#define MALLOCX_ALIGN(a) (__builtin_ctzl(a))
#define MALLOCX_ZERO 0x40

HIDDEN void *ia2_shared_allocate(size_t size, size_t align, int zero)
{
    int flags = ia2_shared_arena_flags();
    void *p = flags < 0 ? NULL
                        : ia2_je_mallocx(size ? size : 1,
                                         flags | (zero ? MALLOCX_ZERO : 0) |
                                             (align > 1 ? (int)MALLOCX_ALIGN(align) : 0));
    if (p && ia2_lend(p, IA2_LENT_TO_ALL)) {
        ia2_je_dallocx(p, flags);
        p = NULL;
    }
    if (!p)
        errno = ENOMEM;
    return p;
}

int ia2_compartment_shared_free(void *p)
{
    if (!ia2_take_back(p, IA2_LENT_TO_ALL))
        return 0;
    ia2_je_dallocx(p, ia2_shared_arena_flags());
    return 1;
}

size_t ia2_compartment_shared_size(void *p)
{
    return ia2_is_lent(p, IA2_LENT_TO_ALL) ? ia2_je_malloc_usable_size(p) : 0;
}

void *ia2_compartment_shared_resize(void *p, size_t size)
{
    if (!ia2_take_back(p, IA2_LENT_TO_ALL))
        return NULL;
    void *larger = ia2_je_rallocx(p, size ? size : 1, ia2_shared_arena_flags());
    if (ia2_lend(larger ? larger : p, IA2_LENT_TO_ALL))
        ia2_die("compartment %s: no memory to keep the books of a shared block",
                ia2_this_compartment.name);
    return larger;
}

/* The compartment that allocated \a p; aborts if it is no shared block. */
static const struct ia2_compartment_descriptor *books_of(const void *p)
{
    int owner = ia2_heap_owner(p), key = owner & ~IA2_OWNER_SHARED;
    if (owner & IA2_OWNER_GONE)
        ia2_die("compartment %s: %p was allocated by a plugin that is gone",
                ia2_this_compartment.name, p);
    if (!(owner & IA2_OWNER_SHARED) || key < 1 || (uint32_t)key > ia2_state.count)
        ia2_die("compartment %s: %p is no shared block", ia2_this_compartment.name, p);
    return ia2_state.module[key].descriptor;
}

HIDDEN void *shared_malloc(size_t size)
{
    return ia2_shared_allocate(size, 0, 0);
}

HIDDEN void *shared_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return ia2_shared_allocate(bytes, 0, 1);
}

HIDDEN void *shared_realloc(void *p, size_t size)
{
    if (!p)
        return shared_malloc(size);
    void *larger = books_of(p)->shared_resize(p, size);
    /* Another compartment's word: a pointer into this one's memory must not come of it. */
    if (larger && !(ia2_heap_owner(larger) & IA2_OWNER_SHARED))
        ia2_die("compartment %s: a shared block was resized to %p, which is not shared",
                ia2_this_compartment.name, larger);
    if (!larger)
        errno = ENOMEM;
    return larger;
}

HIDDEN void shared_free(void *p)
{
    if (ia2_heap_owner(p) & IA2_OWNER_GONE)
        return; /* its books are gone too */
    if (p && !books_of(p)->shared_free(p))
        ia2_die("compartment %s frees %p, which is no shared block (or is free already)",
                ia2_this_compartment.name, p);
}

HIDDEN size_t ia2_shared_size(void *p)
{
    return books_of(p)->shared_size(p);
}
