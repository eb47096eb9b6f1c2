/* The syntax tree of a unit, as the stages read it: what libclang said of the unit, kept in one
 * block without pointers, so that it can come from a file as well. Kinds have libclang's names and
 * numbers.
 *
 * Handles are values: they stay good as long as the tree does, which is to the end of the program.
 * Two handles of one declaration or type are equal. Reading is for one thread at a time: names and
 * spellings are interned when they are first asked for. */
#ifndef IA2_TREE_H
#define IA2_TREE_H

#include <clang-c/Index.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tree;

/* A declaration, statement, expression or attribute; `tree` is NULL of the null cursor. */
struct cursor {
    const struct tree *tree;
    uint32_t at;
};

/* `kind` is CXType_Invalid if there is none. What is asked of a type beyond its size, its spelling
 * and its canonical form is known of canonical types. */
struct type {
    enum CXTypeKind kind;
    uint32_t at;
    const struct tree *tree;
};

struct location {
    const struct tree *tree;
    uint32_t at; /* 0: nowhere */
};

/* Where a token is, three times: its text; its text, or where the reader of the source sees the
 * macro that it comes from; where the outermost macro is used. A file is a number for the functions
 * below, 0: none. */
struct spot {
    uint32_t file, offset;
};
struct spots {
    struct spot spelling, seen, expansion;
    bool in_macro;
};

static inline struct cursor no_cursor(void)
{
    return (struct cursor){NULL, 0};
}

static inline bool cursor_is_null(struct cursor cursor)
{
    return !cursor.tree;
}

static inline bool cursor_equal(struct cursor a, struct cursor b)
{
    return a.tree == b.tree && a.at == b.at;
}

/* Not the same for any two declarations or types of the program, and never 0. */
uint64_t cursor_key(struct cursor cursor);
uint64_t type_key(struct type type);

/* Statements that make a scope, that jump, and that are jumped to. */
bool is_scope_or_jump(enum CXCursorKind kind);

enum CXCursorKind cursor_kind(struct cursor cursor);
struct type cursor_type(struct cursor cursor);
struct location cursor_location(struct cursor cursor);
struct location cursor_begin(struct cursor cursor); /* of its text, and the end; not known of all
                                                       expressions: see record.c */
struct location cursor_end(struct cursor cursor);
const char *cursor_name(
    struct cursor cursor); /* interned; of declarations, what refers to one, labels, annotations */
struct cursor cursor_referenced(
    struct cursor cursor); /* of parentheses: what a _Generic chooses (record.c) */
enum CXUnaryOperatorKind cursor_unary_operator(struct cursor cursor);
enum CXBinaryOperatorKind cursor_binary_operator(struct cursor cursor);

/* The value of an integer expression where the stages may ask for it: as an argument or a pointer.
 * False: it is no constant. */
bool cursor_integer(struct cursor cursor, long long *value);

/* Of a call. */
int cursor_argument_count(struct cursor cursor);
struct cursor cursor_argument(struct cursor cursor,
                              unsigned index); /* of a function: its parameters */

/* Of declarations. */
enum CXLinkageKind cursor_linkage(struct cursor cursor);
enum CX_StorageClass cursor_storage(struct cursor cursor);
enum CXTLSKind cursor_tls(struct cursor cursor);
bool cursor_is_definition(struct cursor cursor);
bool cursor_is_inline(struct cursor cursor);
bool cursor_is_anonymous(struct cursor cursor);
bool cursor_has_attributes(struct cursor cursor);
bool in_system_header(
    struct cursor cursor); /* of the system: not one of the project's own that is treated as such */
struct type cursor_result_type(struct cursor function);
struct cursor cursor_canonical(struct cursor cursor);
struct cursor cursor_definition(struct cursor cursor); /* in the unit; else null */
struct cursor cursor_parent(
    struct cursor cursor); /* of a variable, field or record: what it is declared in */
struct cursor cursor_initializer(struct cursor variable); /* else null */
const char *cursor_symbol(struct cursor function); /* of one that an expression names; interned */
bool cursor_is_bit_field(struct cursor field);
int cursor_bit_width(struct cursor field);
long long cursor_bit_offset(struct cursor field);

typedef enum CXChildVisitResult cursor_visitor(struct cursor cursor, struct cursor parent,
                                               void *data);

/* In the order of the source; true if the visitor broke it off. */
bool cursor_visit(struct cursor parent, cursor_visitor *visitor, void *data);

/* All of them, also those that the walk from the root does not come by. */
void tree_visit_all(const struct tree *tree, void (*found)(void *context, struct cursor cursor),
                    void *context);

struct type type_canonical(struct type type);
struct type type_unqualified(struct type type);
struct type type_pointee(struct type type);
struct type type_element(struct type type); /* of an array, vector or complex type */
struct type type_value(struct type type); /* of an atomic type */
struct type type_result(struct type type);
int type_argument_count(struct type type);
struct type type_argument(struct type type, unsigned index);
bool type_is_variadic(struct type type);
enum CXCallingConv type_convention(struct type type);
bool type_is_const(struct type type);
bool type_is_volatile(struct type type);
bool type_equal(struct type a, struct type b);
long long type_size(struct type type); /* negative if it has none */
long long type_align(struct type type);
long long type_count(struct type array); /* -1 if not known */
struct cursor type_declaration(struct type type); /* of kind CXCursor_NoDeclFound if it has none */
const char *type_text(
    struct type type); /* interned; of canonical types, and of variables' and functions' own */

typedef enum CXVisitorResult field_visitor(struct cursor field, void *data);
void type_visit_fields(struct type type, field_visitor *visitor, void *data);

struct spots location_spots(struct location location);
bool location_spelled_in_system_header(struct location location);

/* Files: the name as clang found it, relative to the command's directory unless it is absolute, and
 * its real path. Interned. */
const char *tree_file_name(const struct tree *tree, uint32_t file);
const char *tree_file_real_name(const struct tree *tree, uint32_t file);

struct cursor tree_root(const struct tree *tree);
unsigned tree_vector_bytes(const struct tree *tree); /* of the largest vector register that the
                                                        command lets the compiler use */

/* The files that the unit reads, in the order in which they are entered; `from`: where it is
 * included. */
struct tree_inclusion {
    uint32_t file, depth;
    uint32_t from; /* a location's `at` */
};
const struct tree_inclusion *tree_inclusions(const struct tree *tree, size_t *count);

/* Whether the tree lacks the declaration of a name (by its hash): a system header has it, and the
 * plan did not when the tree was made. */
bool tree_lacks(const struct tree *tree, uint64_t hash);

#endif
