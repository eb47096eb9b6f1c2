/* The `cleanup` attribute of a local: a call at the end of its scope, with its address, that no
 * expression shows. */
#ifndef IA2_CLEANUP_H
#define IA2_CLEANUP_H

#include "tree/program.h"
#include "tree/span.h"

struct cleanup {
    const char *function;
    struct span
        attribute; /* `cleanup(f)`, or the use of a macro that is an attribute and nothing else */
    bool macro;
};

/* False if the variable has none, or one whose text a macro makes together with something else.
 * After macros_scan. */
bool cleanup_of(struct unit *unit, struct cursor variable, struct cleanup *cleanup);

/* Whether it is the `attribute` of its variable. */
bool cleanup_is(struct unit *unit, struct cursor attribute, const struct cleanup *cleanup);

/* Requests that the function gets the address `pointer` instead, that of a local that moves.
 * `begin` and `end` are those of the local's declaration, up to its initializer. False if it
 * declares something else too. */
bool cleanup_rewrite(struct edits *edits, const struct cleanup *cleanup, struct source *source,
                     size_t begin, size_t end, const char *pointer, struct cursor cause);

#endif
