/* Trees of earlier runs, one file per unit, so that a unit is parsed only if something that it
 * reads has changed. */
#ifndef IA2_CACHE_H
#define IA2_CACHE_H

#include "tree/tree_image.h"
#include "tree/unit.h"

struct cache {
    const char *directory; /* NULL: nothing is kept */
    uint64_t identity; /* of this program, of libclang, and of what else decides how every unit is
                          read */
};

/* What a unit is parsed with; a tree is found by it. */
struct cache_key {
    uint64_t name, check;
};

/* `directory` is made if it is not there; fatal if that fails. NULL: nothing is read or kept. Call
 * once, first. */
void cache_open(struct cache *cache, const char *directory);

/* `arguments`: all that libclang gets. Thread-safe. */
struct cache_key cache_key(const struct cache *cache, const struct plan_unit *unit,
                           const struct command *command, const char *const *arguments,
                           size_t count);

/* The tree if it is kept and still true; else NULL, and why. `planned`: the hashes of the names
 * that the plan has. Thread-safe. */
const struct tree *cache_read(const struct cache *cache, struct cache_key key,
                              const struct command *command, const struct map *planned,
                              const char **reason);

/* Keeps a tree. What cannot be written is not kept, and no error. Thread-safe, also for other
 * processes. */
void cache_write(const struct cache *cache, struct cache_key key, const struct tree_header *block);

/* Removes the trees of other keys, and what runs left that were killed. Not without a directory. */
void cache_sweep(const struct cache *cache, const struct cache_key *keys, size_t count);

#endif
