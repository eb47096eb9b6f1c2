/* The tables of a tree while it is made, and what is known on the way. */
#ifndef IA2_RECORDER_H
#define IA2_RECORDER_H

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
    const struct map *planned; /* as in struct record_request */
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
    CXFileUniqueID asked_file; /* the last one that was asked for, and the answer */
    bool asked_is_project;
    bool changed; /* a file is not any more what libclang has read */
};

/* Adds an entry to a table; its position. */
uint32_t record_add(struct recorder *recorder, enum tree_section section, const void *entry);
uint32_t record_name(struct recorder *recorder, const char *name);
uint32_t record_string(struct recorder *recorder, CXString string); /* disposes of it */
void record_set_name(struct recorder *recorder, uint32_t node, CXCursor cursor);

/* A node that stands nowhere yet, and one after the children of `frame`. */
uint32_t record_node(struct recorder *recorder, enum CXCursorKind kind);
uint32_t record_child(struct recorder *recorder, struct record_frame *frame,
                      enum CXCursorKind kind);

/* The entry at a position, until the next one is added. */
static inline struct tree_node *node_at(const struct recorder *recorder, uint32_t node)
{
    return (struct tree_node *)recorder->tables[TREE_NODES].data + node;
}

static inline struct tree_declaration *declaration_at(const struct recorder *recorder,
                                                      uint32_t node)
{ /* of a node that declares */
    return (struct tree_declaration *)recorder->tables[TREE_DECLARATIONS].data +
           node_at(recorder, node)->reference;
}

static inline struct tree_type *type_entry(const struct recorder *recorder, uint32_t type)
{
    return (struct tree_type *)recorder->tables[TREE_TYPES].data + type;
}

static inline const struct tree_file *file_at(const struct recorder *recorder, uint32_t file)
{
    return (const struct tree_file *)recorder->tables[TREE_FILES].data + file;
}

static inline const struct tree_name *name_at(const struct recorder *recorder, uint32_t name)
{
    return (const struct tree_name *)recorder->tables[TREE_NAMES].data + name;
}

#endif
