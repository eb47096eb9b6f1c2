/* Writing: the mirror of the project's files, and files next to it. Nothing is touched that is
 * already right. */
#ifndef IA2_MIRROR_H
#define IA2_MIRROR_H

#include "base/intern.h"
#include "tree/program.h"

/* Writes `data` to `path` by a temporary file and a rename, unless it holds exactly that. Makes
 * directories. Fatal on failure. */
void mirror_write_file(const char *path, const char *data, size_t length);

/* Removes from `directory` each file NAME.S that the rewriter made and that is not in `wanted` (a
 * set of paths). */
void mirror_remove_gates(const char *directory, const struct map *wanted);

/* The files recompiled units read, sorted by path; and the ids of those units. */
struct mirror {
    struct mirrored_file {
        const char *rel;
        struct source *source;
    } *files;
    unsigned *recompile;
    size_t file_count, file_capacity, recompile_count, recompile_capacity;
};

/* Makes program->mirror. After merge_edits. */
void mirror_collect(struct program *program);

/* Makes `directory` hold exactly the mirror. Fatal if it is a directory with anything else in it.
 */
void mirror_check(const char *directory);
void mirror_write(const struct program *program, const char *directory);

#endif
