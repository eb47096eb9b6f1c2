/* Arguments by copy (IA2_COPY_IN and its like). The copies are a chain, so that a jump over the end
 * of a call still brings back what the callee wrote, as it would have written to the caller's
 * object itself. */
#include <stdint.h>
#include <string.h>

#include "compartment/compartment.h"
#include "compartment/copied_arguments.h"
#include "ia2.h"

#define HIDDEN __attribute__((visibility("hidden")))
#define COPY_ALIGN 64 /* of any type that a copy may have */

static __thread struct ia2_copied *chain; /* those to copy back, innermost first */

HIDDEN struct ia2_copied ia2_copy(struct ia2_copied *scope, const void *own, size_t size, int in,
                                  int out)
{
    struct ia2_copied made = {NULL, (void *)own, 0, NULL, 0};
    if (!own)
        return made;
    made.shared = ia2_shared_push(size, COPY_ALIGN);
    if (in)
        memcpy(made.shared, own, size);
    else
        memset(made.shared, 0, size);
    if (!out)
        return made;
    made.back = size;
    made.outer = chain;
    made.sp = (uintptr_t)__builtin_dwarf_cfa();
    *scope = made; /* before a signal handler may jump and find it */
    __asm__ volatile("" : : : "memory");
    chain = scope;
    return made;
}

static void bring_back(const struct ia2_copied *copied)
{
    memcpy(copied->own, copied->shared, copied->back);
}

HIDDEN void ia2_copy_back(struct ia2_copied *copied)
{
    if (!copied->shared)
        return;
    if (copied->back) {
        bring_back(copied);
        struct ia2_copied **at =
            &chain; /* not always the first: the program may have switched stacks (makecontext) */
        while (*at && *at != copied)
            at = &(*at)->outer;
        if (*at)
            *at = copied->outer;
    }
    ia2_shared_pop(&copied->shared);
}

/* Calls of the function that a jump goes to end too, and it may have made them where setjmp was: by
 * their address alone they would stay. */
void ia2_copies_cut(uintptr_t low, uintptr_t high)
{
    for (; chain && chain->sp >= low && chain->sp <= high; chain = chain->outer)
        bring_back(chain);
}
