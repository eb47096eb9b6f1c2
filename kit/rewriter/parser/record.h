/* How a tree is made of what libclang says of a parsed unit. */
#ifndef IA2_RECORD_H
#define IA2_RECORD_H

#include <clang-c/Index.h>

#include "tree/tree_image.h"
#include "tree/unit.h"

/* A declaration, statement or expression on the way from the declaration being recorded to the one
 * being visited. */
struct record_frame {
    CXCursor cursor;
    enum CXCursorKind kind;
    uint32_t node, last, type; /* last: the last child so far */
    CXCursor first; /* of the expressions in it */
    unsigned count; /* of those that libclang has shown */
    unsigned chosen; /* the only one that is evaluated, counted from 1; 0: not known */
    bool text; /* its extent is recorded, and that of what it is made of */
    bool constants; /* a call whose arguments may be asked for their values */
    bool strings; /* and one that may be asked for its strings */
};

/* A stretch of libclang's own numbering of locations: one file, as it is included once. */
struct record_range {
    uint32_t begin, end, file;
};

struct recorded_type {
    CXType clang;
    bool by_value; /* there are objects of the type: of a record's fields more is known */
};

struct recorder {
    struct unit *unit;
    const struct map *planned; /* as in the request */
    CXTranslationUnit tu;
    struct table tables[TREE_SECTIONS];
    struct map declarations, types, names, files, macro_places; /* to positions in the tables */
    struct record_range *ranges;
    size_t range_count, range_capacity, last_range;
    struct recorded_type *recorded_types; /* beside the table of types */
    uint32_t *values; /* types whose objects' parts are still to be recorded */
    size_t recorded_capacity, value_count, value_capacity, filled;
    struct record_frame *frames;
    size_t depth, capacity;
    bool changed; /* a file is not any more what libclang has read */
};

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

/* Adds an entry to a table; its position. */
uint32_t record_add(struct recorder *it, enum tree_section section, const void *entry);
uint32_t record_name(struct recorder *it, const char *name);
uint32_t record_string(struct recorder *it, CXString string); /* disposes of it */
void record_set_name(struct recorder *it, uint32_t node, CXCursor cursor);

/* The entry at a position, until the next one is added. */
static inline struct tree_node *node_at(const struct recorder *it, uint32_t node)
{
    return (struct tree_node *)it->tables[TREE_NODES].data + node;
}

static inline struct tree_declaration *declaration_at(const struct recorder *it, uint32_t node)
{ /* of a node that declares */
    return (struct tree_declaration *)it->tables[TREE_DECLARATIONS].data +
           node_at(it, node)->reference;
}

static inline struct tree_type *type_entry(const struct recorder *it, uint32_t type)
{
    return (struct tree_type *)it->tables[TREE_TYPES].data + type;
}

static inline const struct tree_file *file_at(const struct recorder *it, uint32_t file)
{
    return (const struct tree_file *)it->tables[TREE_FILES].data + file;
}

static inline const struct tree_name *name_at(const struct recorder *it, uint32_t name)
{
    return (const struct tree_name *)it->tables[TREE_NAMES].data + name;
}

/* record_places.c */
uint32_t record_location(struct recorder *it, CXSourceLocation location);
uint32_t record_extent(struct recorder *it, CXCursor cursor);
void record_inclusions(struct recorder *it);
bool record_is_macro(CXSourceLocation location);
bool record_is_system(CXSourceLocation location); /* of the system: not one of the project's own
                                                     headers that is treated as such */

/* record_types.c */
void record_no_type(struct recorder *it); /* the first entry of the table */
/* `value`: an object of the type is seen. */
uint32_t record_type(struct recorder *it, CXType type, bool value);
uint32_t record_type_text(struct recorder *it, CXType type); /* the same, with its spelling */
void record_types(struct recorder *it); /* all that the types recorded so far are made of */
bool record_has_wide_vectors(const struct recorder *it);

/* record_declarations.c: the node of a declaration that something refers to; made if it is not in
 * the tree yet. */
uint32_t record_declaration(struct recorder *it, CXCursor declaration);
/* Makes the node that stands in the tree a declaration. */
void record_declare(struct recorder *it, uint32_t node, CXCursor cursor, enum CXCursorKind kind);
uint32_t record_node(struct recorder *it, enum CXCursorKind kind);
/* The same, after the children of `frame`. */
uint32_t record_child(struct recorder *it, struct record_frame *frame, enum CXCursorKind kind);
bool record_is_declaration(enum CXCursorKind kind);

#endif
