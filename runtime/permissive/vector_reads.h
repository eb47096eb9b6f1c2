/* Vector loads that go past what they read. The string functions of libc, and compiled loops like
 * them, load whole vectors, so they read some bytes before or after the object that they were
 * given. Those bytes may be a neighbour's, which nobody meant to read. */
#ifndef IA2_PERMISSIVE_VECTOR_READS_H
#define IA2_PERMISSIVE_VECTOR_READS_H

#include <stdint.h>
#include <ucontext.h>

#include "permissive/memory_kind.h"

struct ia2_read {
    uintptr_t address, caller; /* caller: as in the log */
    int accessor, owner;
};

/* For each read that is a violation, in the order of the thread. \a memory: what the address is in.
 * It becomes the object that the interrupted call reads, if the access is a vector load near that
 * object; its offset is then negative or not below its size. Async-signal-safe. */
void ia2_vector_read(const ucontext_t *context, const struct ia2_read *read,
                     struct ia2_memory *memory);

#endif
