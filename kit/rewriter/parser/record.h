/* How a tree is made of what libclang says of a parsed unit. */
#ifndef IA2_RECORD_H
#define IA2_RECORD_H

#include <clang-c/Index.h>

#include "tree/tree_image.h"
#include "tree/unit.h"

/* What a tree is made for. */
struct record_request {
    const struct map *planned; /* set of the hashes of names that the plan has */
    const char *const *arguments; /* of libclang */
    size_t argument_count;
    uint64_t key;
    bool keep; /* for later runs too */
    /* Says, where it matters, what tree_vector_bytes is to say. */
    unsigned (*vector_bytes)(const struct unit *unit, const struct record_request *request);
};

/* The tree of a parsed unit, to be freed by the caller. `keep` becomes false if nobody can say what
 * would make it untrue. */
struct tree_header *record_unit(struct unit *unit, CXTranslationUnit tu,
                                struct record_request *request);

#endif
