/* The compile database, and the arguments libclang gets for a command of it. */
#ifndef IA2_COMPDB_H
#define IA2_COMPDB_H

#include <stdbool.h>
#include <stddef.h>

struct command {
    const char *directory, *file; /* as written, absolute in a canonical database */
    const char **arguments; /* compiler included */
    size_t argument_count;
};

struct compdb {
    struct command *commands;
    size_t count;
};

/* `path` is a compile_commands.json or its directory. Fatal if unreadable. */
void compdb_read(struct compdb *db, const char *path);

/* Whether the command has -DIA2_ENABLE=0, so that the project's own build leaves out what the split
 * program shall have. */
bool compdb_disables_ia2(const struct command *command);

/* What decides how `command` parses: -D, -I, -std and the like. What concerns output, dependencies,
 * warnings and code generation is dropped. A command with -DIA2_ENABLE=0 parses as it is compiled
 * again: with -DIA2_ENABLE=1, and with IA2_READ, see ia2.h. The result (NULL-terminated, count in
 * *count) is the caller's to free. */
const char **compdb_parse_arguments(const struct command *command, size_t *count);

/* A path as the command's compiler takes it, interned. */
const char *compdb_path(const struct command *command, const char *path);

#endif
