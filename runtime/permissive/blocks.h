/* Who allocated which block: of those that are alive, as many as there is room for. */
#ifndef IA2_PERMISSIVE_BLOCKS_H
#define IA2_PERMISSIVE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#define IA2_BLOCK_FRAMES 6

struct ia2_block {
    uintptr_t start; /* 0: free */
    size_t size;
    uintptr_t frames[IA2_BLOCK_FRAMES]; /* return addresses, innermost first; 0 ends them */
};

/* The block that \a address is in. 0: not known. Async-signal-safe. */
int ia2_block_at(uintptr_t address, struct ia2_block *found);

/* What the same calls have allocated in all, freed or not. */
struct ia2_block_site {
    int owner; /* key */
    uint64_t blocks, bytes;
    uintptr_t frames[IA2_BLOCK_FRAMES];
};

/* Of each of these, as many as there is room for. Async-signal-safe. */
void ia2_block_sites(void (*visit)(const struct ia2_block_site *));

#if IA2_PERMISSIVE

/* Remembers who allocated a block (the calls that led here), and forgets it. Thread-safe. */
void ia2_permissive_allocated(void *block, size_t size);
void ia2_permissive_freed(void *block);

#else

static inline void ia2_permissive_allocated(void *block, size_t size)
{
    (void)block, (void)size;
}
static inline void ia2_permissive_freed(void *block)
{
    (void)block;
}

#endif

#endif
