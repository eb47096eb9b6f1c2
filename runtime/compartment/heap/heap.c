/* malloc and family of one compartment: jemalloc under its key. What a pointer belongs to is
 * decided by its address, so blocks that libc made (getline, asprintf, realpath ...) go back to
 * libc. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "compartment/compartment.h"
#include "base/die.h"
#include "compartment/heap/heap.h"
#include "compartment/heap/shared_memory.h"
#include "memory/heap_ranges.h"
#include "ia2.h"
#include "compartment/heap/jemalloc.h"
#include "compartment/heap/lent_blocks.h"
#include "permissive/blocks.h"
#include "permissive/recorded.h"
#include "state/compartment_name.h"

#define HIDDEN __attribute__((visibility("hidden")))
#define OWN_TARGET (-1)

void __libc_free(void *);
void *__libc_realloc(void *, size_t);
void *__real_mmap(void *, size_t, int, int, int, off_t);

static __thread int target = OWN_TARGET; /* set by IA2_ALLOCATE_IN */
static __thread struct ia2_allocation
    *allocations; /* the scopes this thread is in, innermost first */

HIDDEN struct ia2_allocation ia2_allocate_in(struct ia2_allocation *scope, int key)
{
    struct ia2_allocation made = {allocations, target};
    allocations = scope;
    target = key == (int)ia2_this_compartment.id ? OWN_TARGET : key;
    return made;
}

HIDDEN void ia2_allocate_in_end(struct ia2_allocation *scope)
{
    target = scope->before;
    allocations = scope->outer;
}

void ia2_allocations_cut(uintptr_t low, uintptr_t high)
{
    while ((uintptr_t)allocations >= low && (uintptr_t)allocations < high)
        ia2_allocate_in_end(allocations);
}

/* Another compartment's heap, because the policy says so. */
static void *allocate_elsewhere(size_t size, size_t align, int zero)
{
    if (target == 0)
        return ia2_shared_allocate(size, align, zero);
    const struct ia2_compartment_descriptor *d = ia2_state.module[target].descriptor;
    if (!d)
        ia2_die("compartment %s: the policy has it allocate in the heap of %s",
                ia2_this_compartment.name, ia2_compartment_name(target));
    void *p = d->client_alloc(size, align, 0); /* comes zeroed */
    if (!p)
        errno = ENOMEM;
    else if (ia2_heap_owner(p) != target)
        ia2_die("compartment %s: the heap of %s gave memory that is not its own",
                ia2_this_compartment.name, ia2_compartment_name(target));
    return p;
}

/* Whether the kernel would give plain malloc so much. jemalloc reserves without asking it, and more
 * than was asked for (the next size class), so programs would see large allocations succeed or fail
 * that end the other way without the kit. */
#define HUGE_BLOCK (32ul << 20)
static int kernel_refuses(size_t size)
{
    if (__builtin_expect(size < HUGE_BLOCK, 1))
        return 0;
    void *probe =
        __real_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (probe == MAP_FAILED) {
        errno = ENOMEM;
        return 1;
    }
    munmap(probe, size);
    return 0;
}

/* In permissive programs, who allocated it; otherwise nothing. */
static inline void *noted(void *p, size_t size)
{
    ia2_permissive_allocated(p, size);
    return p;
}

HIDDEN void *__wrap_malloc(size_t size)
{
    if (kernel_refuses(size))
        return NULL;
    return noted(__builtin_expect(target == OWN_TARGET, 1) ? ia2_je_malloc(size)
                                                           : allocate_elsewhere(size, 0, 0),
                 size);
}

HIDDEN void *__wrap_calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    if (kernel_refuses(bytes))
        return NULL;
    if (__builtin_expect(target == OWN_TARGET, 1))
        return noted(ia2_je_calloc(count, size), bytes);
    return noted(allocate_elsewhere(bytes, 0, 1), bytes);
}

HIDDEN int __wrap_posix_memalign(void **result, size_t align, size_t size)
{
    if (kernel_refuses(size))
        return ENOMEM;
    if (target == OWN_TARGET) {
        int r = ia2_je_posix_memalign(result, align, size);
        if (!r)
            noted(*result, size);
        return r;
    }
    if (align & (align - 1) || align < sizeof(void *))
        return EINVAL;
    void *p = allocate_elsewhere(size, align, 0);
    if (!p)
        return ENOMEM;
    *result = noted(p, size);
    return 0;
}

HIDDEN void *__wrap_aligned_alloc(size_t align, size_t size)
{
    if (kernel_refuses(size))
        return NULL;
    return noted(target == OWN_TARGET ? ia2_je_aligned_alloc(align, size)
                                      : allocate_elsewhere(size, align, 0),
                 size);
}

HIDDEN void *__wrap_memalign(size_t align, size_t size)
{
    return __wrap_aligned_alloc(align, size);
}

HIDDEN void *__wrap_valloc(size_t size)
{
    return __wrap_aligned_alloc(IA2_PAGE, size);
}

HIDDEN void *__wrap_pvalloc(size_t size)
{
    return __wrap_aligned_alloc(IA2_PAGE, (size + IA2_PAGE - 1) & -IA2_PAGE);
}

/* The gate would refuse who is no client too, but cannot say what he wanted. */
static int is_client_of(int owner)
{
    const struct ia2_compartment_descriptor *d = ia2_state.module[owner].descriptor;
    size_t index =
        (size_t)((const char *)(const void *)d->client_free - d->stubs) >> IA2_STUB_SHIFT;
    return d->gates[index].callers >> ia2_this_compartment.id & 1;
}

/* A block of another compartment, which may have been allocated for this one. */
static void free_foreign(void *p, int owner, const void *from)
{
    if (is_client_of(owner) && ia2_state.module[owner].descriptor->client_free(p, 0))
        return;
    size_t size;
    if (ia2_permissive_foreign_block(p, "free", &size, from))
        return; /* it stays allocated */
    ia2_die("compartment %s frees %p, which belongs to the heap of compartment %s",
            ia2_this_compartment.name, p, ia2_compartment_name(owner));
}

HIDDEN void __wrap_free(void *p)
{
    int owner = ia2_heap_owner(p);
    if (__builtin_expect(owner == (int)ia2_this_compartment.id, 1)) {
        ia2_permissive_freed(p);
        ia2_forget_lent(p);
        ia2_je_free(p);
    } else if (owner == IA2_OWNER_NONE)
        __libc_free(p);
    else if (owner & IA2_OWNER_SHARED)
        shared_free(p);
    else if (!(owner & IA2_OWNER_GONE)) /* its books are gone: it stays */
        free_foreign(p, owner, __builtin_return_address(0));
}

HIDDEN void *__wrap_realloc(void *p, size_t size)
{
    if (kernel_refuses(size))
        return NULL;
    int owner = ia2_heap_owner(p);
    if (owner == (int)ia2_this_compartment.id) {
        ia2_forget_lent(p);
        void *larger = ia2_je_realloc(p, size);
        if (larger || !size)
            ia2_permissive_freed(p);
        return noted(larger, size);
    }
    if (!p)
        return __wrap_malloc(size);
    if (owner == IA2_OWNER_NONE)
        return __libc_realloc(p, size);
    if (owner & IA2_OWNER_SHARED)
        return shared_realloc(p, size);
    if (owner & IA2_OWNER_GONE)
        ia2_die("compartment %s resizes %p, which a plugin allocated that is gone",
                ia2_this_compartment.name, p);
    size_t old;
    if (ia2_permissive_foreign_block(p, "realloc", &old, __builtin_return_address(0)) && old) {
        void *copy = __wrap_malloc(size);
        return copy ? memcpy(copy, p, old < size ? old : size) : NULL;
    }
    ia2_die("compartment %s resizes %p, which belongs to the heap of compartment %s",
            ia2_this_compartment.name, p, ia2_compartment_name(owner));
}

HIDDEN void *__wrap_reallocarray(void *p, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return __wrap_realloc(p, bytes);
}

size_t __real_malloc_usable_size(void *);

HIDDEN size_t __wrap_malloc_usable_size(void *p)
{
    int owner = ia2_heap_owner(p);
    if (owner == (int)ia2_this_compartment.id)
        return ia2_je_malloc_usable_size(p);
    if (owner & IA2_OWNER_SHARED)
        return ia2_shared_size(p);
    return owner == IA2_OWNER_NONE ? __real_malloc_usable_size(p) : 0;
}

/* ---- for others, as the policy says --------------------------------------------------------- */

void *ia2_compartment_client_alloc(size_t size, size_t align, int client)
{
    void *p = NULL;
    if (align > 16 ? ia2_je_posix_memalign(&p, align, size) != 0 : !(p = ia2_je_calloc(1, size)))
        return NULL;
    if (align > 16)
        memset(p, 0, size); /* the client must not read what was there */
    if (!ia2_lend(p, client))
        return p;
    ia2_je_free(p);
    return NULL;
}

int ia2_compartment_client_free(void *p, int client)
{
    if (!ia2_take_back(p, client))
        return 0;
    ia2_je_free(p);
    return 1;
}
