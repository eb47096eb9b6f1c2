/* The project's files: identity, text, and small lexical scans of it. */
#ifndef IA2_SOURCE_H
#define IA2_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source {
    const char *path; /* real path, interned */
    const char *shown; /* for messages: the path in the mirror, or else the real one */
    const char *
        *rels; /* each path in the mirror by which units read it, through symbolic links too */
    size_t rel_count, rel_capacity; /* none: outside of both roots, never edited */
    const char *text; /* NUL-terminated */
    size_t size;
    uint64_t hash; /* of the text */
    unsigned *lines; /* where each begins, once a position was asked for */
    size_t line_count, line_capacity;
};

/* Sets the two roots; call once, first. Fatal if one is not a directory. */
void source_set_roots(const char *source_root, const char *build_dir);

/* Both, as text, interned. */
const char *source_roots(void);

/* The file at `path`; the same object for each path that leads to it. NULL if unreadable.
 * Thread-safe. */
struct source *source_get(const char *path);

/* The same, for a path by which a unit reads the file: the mirror will have it there. */
struct source *source_read(const char *path);

/* The path in the mirror of an absolute path, by its text alone; NULL if it is outside of both
 * roots. */
const char *source_in_mirror(const char *path);

/* Line and column (from 1) of an offset, as clang counts them. Not thread-safe. */
void source_position(struct source *source, size_t offset, unsigned *line, unsigned *column);

/* The offset of the end of the line, which goes on where a backslash ends it. */
size_t source_line_end(const struct source *source, size_t offset);

/* Whether it is the kit's file of that name, and none of the project's. */
bool source_is_kits(const struct source *source, const char *name);

/* The offset after the blank, comment or line continuation at `offset`; `offset` itself if there is
 * none. */
size_t source_skip_blank(const struct source *source, size_t offset);

/* The offset after the token at `offset` (identifier, number, string, or one punctuation
 * character). */
size_t source_skip_token(const struct source *source, size_t offset);

/* The offset after the bracket that closes the one at `offset`; 0 if there is none at `offset`. */
size_t source_skip_brackets(const struct source *source, size_t offset);

/* Length of the identifier at `offset`, and where the one begins that goes up to `end`; `end`
 * itself if there is none. */
size_t source_identifier(const struct source *source, size_t offset);
size_t source_identifier_start(const struct source *source, size_t end);

/* Whether the identifier at `offset` is this one. */
bool source_is_word(const struct source *source, size_t offset, const char *word);
bool source_is_any_word(const struct source *source, size_t offset,
                        const char *const *words); /* up to a NULL */

/* Whether [begin, end) can stand as one macro argument: brackets paired, no comma or semicolon
 * outside of them, and no preprocessor line. */
bool source_is_one_argument(const struct source *source, size_t begin, size_t end);

/* The same with whole `#if` ... `#endif` in it, which no macro's argument may have. */
bool source_is_one_expression(const struct source *source, size_t begin, size_t end);

/* The end of the declarator whose declaration starts at `begin` and whose name ends at `name_end`:
 * the offset of the `=`, `,`,
 * `;` or `:` that follows it, moved back over blanks. */
size_t source_declarator_end(const struct source *source, size_t begin, size_t name_end);

/* Whether `offset` is in a #define (with its continuation lines); then `end` is that of the macro's
 * name. */
bool source_in_define(const struct source *source, size_t offset, size_t *end);

/* Whether `offset` is the first token of the body of a #define. */
bool source_starts_macro_body(const struct source *source, size_t offset);

/* Where the name of the macro stands in whose #define `offset` is; `offset` itself if it is in
 * none. */
size_t source_macro_name(const struct source *source, size_t offset);

/* Whether the member name at `member`, in the body of a #define, is one of a parameter of the
 * macro: `p->member`, `(p).member`. Then `begin` is where the parameter, or its parenthesis,
 * stands. */
bool source_parameter_before_member(const struct source *source, size_t member, size_t *begin);

/* The end of the initializer that starts at `begin`: before the `,` or `;` that follows it, moved
 * back over blanks. */
size_t source_initializer_end(const struct source *source, size_t begin);

/* Whether [begin, end) can be the use of one macro and nothing else: a name, with or without
 * arguments. */
bool source_is_macro_use(const struct source *source, size_t begin, size_t end);

/* Whether nothing follows the first pair of brackets from `begin` on in the body of a #define. */
bool source_bracket_ends_macro_body(const struct source *source, size_t begin);

/* Whether nothing follows `offset` in the body of a #define. */
bool source_ends_macro_body(const struct source *source, size_t offset);

#endif
