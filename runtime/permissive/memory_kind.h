/* What an address is in: which object of which compartment. */
#ifndef IA2_PERMISSIVE_MEMORY_KIND_H
#define IA2_PERMISSIVE_MEMORY_KIND_H

#include <stddef.h>
#include <stdint.h>

#include "permissive/blocks.h"
#include "permissive/objects.h"

struct ia2_memory {
    const char *kind; /* "heap", "global", "thread-local", "stack", "mapping", "code" */
    const char *name; /* of a global */
    const struct ia2_object *object; /* of a global or thread-local */
    uintptr_t start; /* tells objects of the kind apart */
    size_t size,
        offset; /* offset: of the address in the object; of a thread-local in its DSO's block */
    int thread; /* of a stack or thread-local */
    uintptr_t frames[IA2_BLOCK_FRAMES]; /* heap: who allocated it; stack: code of the function whose
                                           frame it is */
};

/* \a owner: the key of the memory, -1 if it is not known. Async-signal-safe. */
void ia2_memory_kind(uintptr_t address, int owner, struct ia2_memory *memory);

/* The key that the runtime put an address under, 0 if none. Async-signal-safe. */
int ia2_key_of_address(uintptr_t address);

/* In the handler of a signal: of the frames of the interrupted code, innermost first, the first in
 * code of compartment \a key. It is found by the call frame information (.eh_frame) of what was
 * loaded. 0 if there is none, or if a frame before it has no such information. Reads past all keys.
 * Async-signal-safe. */
uintptr_t ia2_caller(int key);

#endif
