/* What a tree is made of: tables in one block, each entry naming others by their positions.
 * Position 0 of a table is no entry. */
#ifndef IA2_TREE_IMAGE_H
#define IA2_TREE_IMAGE_H

#include "tree.h"

enum {
    ROOT_NODE = 2,
    NO_DECLARATION_NODE = 1
}; /* node 1 stands for a type that has no declaration */

/* A location is 0, the position of a macro's place with MACRO_LOCATION set, or a file's base plus
 * the offset. */
#define MACRO_LOCATION 0x80000000u

struct tree_node {
    uint16_t kind;
    uint8_t operator; /* of an operator's expression */
    uint8_t flags;
    uint32_t type, child, next, location;
    uint32_t extent; /* position of begin and end */
    uint32_t reference; /* node; of a declaration: of the declarations' table */
    uint32_t value; /* name of a literal or label; position of the constant's value */
};
enum { NODE_DECLARES = 1, NODE_CONSTANT = 2, NODE_NAMED = 4 };

struct tree_extent {
    uint32_t begin, end;
};

struct tree_declaration {
    uint32_t name, symbol;
    uint32_t canonical, definition, parent, initializer; /* nodes */
    uint32_t arguments, argument_count; /* a function's parameters, a record's fields */
    int32_t bit_width;
    uint16_t flags;
    uint8_t linkage, storage;
    int64_t bit_offset;
    uint32_t tls, unused;
};
enum {
    DECLARATION_DEFINES = 1,
    DECLARATION_INLINE = 2,
    DECLARATION_ANONYMOUS = 4,
    DECLARATION_ATTRIBUTES = 8,
    DECLARATION_BIT_FIELD = 16,
    DECLARATION_SYSTEM = 32
};

struct tree_type {
    uint16_t kind;
    uint8_t flags, convention;
    uint32_t canonical, unqualified;
    uint32_t inner; /* pointee, element, value or result */
    uint32_t declaration;
    uint32_t arguments, argument_count;
    uint32_t text;
    int64_t size, align, count;
};
enum { TYPE_CONST = 1, TYPE_VOLATILE = 2, TYPE_VARIADIC = 4 };

struct tree_place { /* of a token that a macro makes */
    uint32_t spelling_file, spelling_offset, seen_file, seen_offset, expansion_file,
        expansion_offset;
    uint32_t spelled_in_system_header;
};

struct tree_file {
    uint32_t name, real_name; /* as libclang has them */
    uint32_t resolved; /* where it leads, through links */
    uint32_t base, size, system;
    uint64_t hash; /* of its text */
};

struct tree_name {
    uint32_t offset, length;
};

/* A file that decides what the unit reads: whether it is there must not change. */
struct tree_probe {
    uint32_t directory, name, present;
};

enum tree_section {
    TREE_NODES,
    TREE_EXTENTS,
    TREE_DECLARATIONS,
    TREE_TYPES,
    TREE_ARGUMENTS,
    TREE_PLACES,
    TREE_FILES,
    TREE_CONSTANTS,
    TREE_NAMES,
    TREE_TEXT,
    TREE_INCLUSIONS,
    TREE_LACKING,
    TREE_PROBES,
    TREE_SECTIONS
};

struct tree_header {
    char magic[8];
    uint64_t size, checksum; /* of all that follows */
    uint64_t key; /* of what the unit was parsed with */
    uint64_t vector_bytes;
    struct {
        uint64_t offset, count;
    } sections[TREE_SECTIONS];
};

struct tree {
    const struct tree_header *header;
    const struct tree_node *nodes;
    const struct tree_extent *extents;
    const struct tree_declaration *declarations;
    const struct tree_type *types;
    const uint32_t *arguments; /* nodes, of functions and records; types, of function types */
    const struct tree_place *places;
    const struct tree_file *files;
    const int64_t *constants;
    const struct tree_name *names;
    const char *text;
    const struct tree_inclusion *inclusions;
    const uint64_t *lacking; /* sorted hashes of names */
    const struct tree_probe *probes;
    const char **interned; /* of each name, once it was asked for */
};

extern const size_t tree_entry_sizes[TREE_SECTIONS];
extern const struct tree_type tree_no_type; /* at position 0 */

/* A table that grows. */
struct table {
    char *data;
    size_t count, capacity;
};

/* The tables put together, to be freed by the caller; `header` has the sections' counts filled in.
 */
struct tree_header *tree_assemble(const struct table tables[TREE_SECTIONS], uint64_t key,
                                  unsigned vector_bytes);

/* The tree in a block of memory, which is the tree's from now on; NULL if it is not a whole tree of
 * this version, and then it is freed. Every position in it is checked. */
const struct tree *tree_open(struct tree_header *block, size_t size);
void tree_close(const struct tree *tree);

size_t tree_count(const struct tree *tree, enum tree_section section);
const char *tree_name(const struct tree *tree, uint32_t name);
uint64_t tree_name_hash(const char *name); /* as in TREE_LACKING; not 0 */

#endif
