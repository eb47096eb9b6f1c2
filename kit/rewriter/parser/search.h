/* Which files decide what a unit's #include lines find: those that are found, and those that would
 * be found instead if they were there. */
#ifndef IA2_SEARCH_H
#define IA2_SEARCH_H

#include "input/compdb.h"
#include "input/source.h"

/* A name as it is looked for in a directory; both interned. The directory is "" if the name is
 * absolute; the name is "" where it matters that there is no such directory. */
struct search_probe {
    const char *directory, *name;
};

struct search {
    struct search_probe *probes;
    size_t count, capacity;
};

/* All that a unit, parsed with these arguments where its command runs, looks for, or more. False if
 * that cannot be said: an argument changes the search in a way not known here, or a file's presence
 * or bytes are asked for by a name that a macro makes. The list is the caller's to free, also then.
 * Thread-safe. */
bool search_of_unit(struct search *search, const struct command *command,
                    const char *const *arguments, size_t argument_count,
                    struct source *const *files, const char *const *paths, size_t file_count);

/* Whether there is such a file, which no directory is; or, without a name, the directory. What was
 * asked once is not asked again. Thread-safe. */
bool search_is_present(const struct search_probe *probe);

/* Whether some file that was found to be present has come since the program started, so that a unit
 * may have been parsed without it. */
bool search_was_overtaken(void);

#endif
