/* The #defines of the project's files, as text: libclang does not say which macro a token comes
 * from. */
#ifndef IA2_MACROS_H
#define IA2_MACROS_H

#include "base/intern.h"
#include "source.h"

/* What a macro does with a parameter besides using its value: makes a string of it, or names
 * something by it (a member, a tag, a part of what ## makes). */
enum { ROLE_STRING = 1, ROLE_NAME = 2 };

struct macro {
    const char *name;
    struct source *source;
    const char **parameters; /* the last of a variadic one is __VA_ARGS__, or as it is named */
    unsigned char *roles; /* for each parameter: here, or in a macro it is passed to */
    size_t count, capacity;
    bool function_like, variadic;
    bool pastes; /* has `##`, or a place that is edited like it, or names a macro that has; what its
                    arguments name is not counted */
    size_t body, end;
    size_t next; /* another #define of the same name: position + 1, or 0 */
};

struct macros {
    struct macro *list;
    size_t count, capacity;
    struct map by_name; /* interned name -> position + 1 of the first */
};

/* Those of the files; to the end of the run. */
struct macros *macros_scan(struct source *const *sources, size_t count);

/* Position + 1 of the first #define of a name, or 0. */
size_t macro_first(const struct macros *macros, const char *name);

/* Brings `roles` and `pastes` of all macros up to date when they were set for some. */
void macros_spread_roles(struct macros *macros);

/* The position of the parameter of that name; macro->count if there is none. */
size_t macro_parameter(const struct macro *macro, const char *name);

/* The roles of the identifier at an offset in a macro's body by itself: what stands beside it. */
unsigned macro_role(const struct macro *macro, size_t offset);

/* The roles of the parameter that an argument is for, by its position. */
unsigned macro_roles(const struct macro *macro, size_t position);

/* The arguments of a macro's use whose `(` is at `open`: calls `found` for each with its position
 * and its text, without blanks around it. Returns the offset after the `)`, or 0 if the brackets do
 * not pair up. */
typedef void macro_argument(void *context, size_t position, size_t begin, size_t end);
size_t macro_arguments(const struct source *source, size_t open, macro_argument *found,
                       void *context);

#endif
