/* Where the text of an expression is, also where macros make it up or a part of it. */
#ifndef IA2_SPAN_H
#define IA2_SPAN_H

#include "ast_query.h"

/* A piece of text. */
struct span {
    struct source *source;
    size_t begin, end;
    enum place_kind kind;
};

/* The text of an expression. False if it is not one contiguous piece, that is if a macro makes up
 * part of it. */
bool span_of(struct unit *unit, struct cursor expression, struct span *span);

/* The text of a callee, also where it is in the body of a macro and only its first name comes from
 * an argument. */
bool span_of_callee(struct unit *unit, struct cursor callee, struct span *span);

/* Where the declarator of a variable ends whose name is at `name`. */
size_t declarator_end(struct unit *unit, struct cursor variable, const struct span *name);

/* Of where a text begins, for a map. */
uint64_t text_key(const struct source *source, size_t offset);
uint64_t span_key(const struct span *span);

/* The text of the name at a cursor's location; false if the text there is not `name`. */
bool span_of_name(struct unit *unit, struct cursor cursor, const char *name, struct span *span);

#endif
