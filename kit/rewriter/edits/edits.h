/* The edits of all files. A file is read by several units, and a macro's body or argument is
 * expanded several times, so each edit is requested once per occurrence: equal requests are one
 * edit, and a request that another occurrence of the same text contradicts is refused. */
#ifndef IA2_EDITS_H
#define IA2_EDITS_H

#include "tree/program.h"
#include "tree/span.h"

/* Makes program->edits, with none but who reads each file: what edit_append appends for all of its
 * readers needs no condition. */
void edits_begin(struct program *program);

/* For edits of the same text, the first is the outermost. */
enum edit_kind { EDIT_INITIALIZER, EDIT_TEMPLATE, EDIT_CALL, EDIT_NAME, EDIT_INSERT, EDIT_REPLACE };

/* A piece of the text of an EDIT_TEMPLATE: an argument whose rewritten text goes in front of the
 * call. */
struct slot {
    size_t begin, end;
    const char *before, *after; /* `before` argument `after` is put in front of the call */
    const char *instead; /* and this where the argument was */
};

/* Puts `prefix` and `suffix` around the text of `span` (EDIT_REPLACE: prefix in place of it). */
void edit_wrap(struct edits *edits, const struct span *span, enum edit_kind kind,
               const char *prefix, const char *suffix, struct cursor cause);

/* Inserts text at an offset. */
void edit_insert(struct edits *edits, struct source *source, size_t offset, const char *text,
                 struct cursor cause);

/* The call `span` becomes `({ SLOTS CALL; })`. `slots` (in order of the text) is copied. */
void edit_template(struct edits *edits, const struct span *span, const struct slot *slots,
                   size_t count, struct cursor cause);

/* This occurrence of the text must stay as it is. */
void edit_veto(struct edits *edits, const struct span *span, enum edit_kind kind,
               struct cursor cause);

/* The declaration of the gate of a global function, which is hidden if all who read the file have
 * it in their own DSO. */
void edit_declare_gate(struct edits *edits, struct source *source, const char *function, bool own);

/* A line before the first of a file, or after its last one for `unit` alone. */
void edit_declare(struct edits *edits, struct source *source, const char *line);
void edit_append(struct edits *edits, struct source *source, const char *line, unsigned unit);

/* Sorts and merges; conflicts become refusals. To be called once, when all is requested. */
void merge_edits(struct program *program);

/* Whether a file has edits, and its new text (the caller's to free). After merge_edits. */
bool edit_touches(const struct edits *edits, const struct source *source);
char *edit_render(const struct edits *edits, const struct source *source, size_t *length);

/* Whether the text at source:offset has an edit by `edit_wrap` of kind EDIT_NAME or EDIT_REPLACE,
 * or EDIT_CALL in the body of a macro. Before merge_edits. */
bool edit_at_name(const struct edits *edits, const struct source *source, size_t offset);

#endif
