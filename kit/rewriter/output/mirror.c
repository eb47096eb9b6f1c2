#include "mirror.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "edits/edits.h"
#include "base/files.h"

/* Tells a mirror from a directory of the user's, which must not be cleared. */
#define MARK ".ia2-mirror"

static void make_parents(const char *path)
{
    char *const copy = strdup(path);
    if (!copy)
        diag_fatal("out of memory");
    for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        if (mkdir(copy, 0777) && errno != EEXIST)
            diag_fatal("%s: cannot make the directory: %s", copy, strerror(errno));
        *slash = '/';
    }
    free(copy);
}

static bool holds(const char *path, const char *data, size_t length)
{
    struct stat status;
    if (lstat(path, &status) || !S_ISREG(status.st_mode) || (size_t)status.st_size != length)
        return false;
    size_t size;
    char *const old = read_whole(path, &size);
    const bool same = old && size == length && !memcmp(old, data, length);
    free(old);
    return same;
}

void mirror_write_file(const char *path, const char *data, size_t length)
{
    if (holds(path, data, length))
        return;
    make_parents(path);
    if (!write_whole(path, data, length))
        diag_fatal("%s: cannot write: %s", path, strerror(errno));
}

void mirror_remove_gates(const char *directory, const struct map *wanted)
{
    static const char mine[] = "/* Made by ia2-rewriter";
    DIR *const dir = opendir(directory);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        const size_t length = strlen(entry->d_name);
        const char *const path = intern_format("%s/%s", directory, entry->d_name);
        if (length < 2 || strcmp(entry->d_name + length - 2, ".S") || map_get(wanted, key_of(path)))
            continue;
        char start[sizeof(mine) - 1];
        FILE *const file = fopen(path, "rbe");
        const bool made = file && fread(start, 1, sizeof(start), file) == sizeof(start) &&
                          !memcmp(start, mine, sizeof(start));
        if (file)
            fclose(file);
        if (made && unlink(path))
            diag_fatal("%s: cannot remove: %s", path, strerror(errno));
    }
    if (dir)
        closedir(dir);
}

static void link_file(const char *path, const char *target)
{
    char old[PATH_MAX];
    const ssize_t length = readlink(path, old, sizeof(old));
    if (length >= 0 && (size_t)length == strlen(target) && !memcmp(old, target, (size_t)length))
        return;
    make_parents(path);
    const char *const temporary = intern_format("%s.%ld.tmp", path, (long)getpid());
    unlink(temporary);
    if (symlink(target, temporary) || rename(temporary, path)) {
        const int error = errno;
        unlink(temporary);
        diag_fatal("%s: cannot link: %s", path, strerror(error));
    }
}

static int compare(const void *left, const void *right)
{
    return strcmp(((const struct mirrored_file *)left)->rel,
                  ((const struct mirrored_file *)right)->rel);
}

/* Whether the text may be another one with -DIA2_ENABLE=0, with which ia2.h means nothing. */
static bool asks_for_ia2(const struct source *source)
{
    const char name[] = "IA2_ENABLE";
    return memmem(source->text, source->size, name, sizeof(name) - 1);
}

void mirror_collect(struct program *program)
{
    struct mirror *const mirror = program->mirror = must_alloc(sizeof(*mirror));
    struct map seen = {0};
    for (size_t u = 0; u < program->unit_count; u++) {
        const struct unit *const unit = &program->units[u];
        bool recompile = !unit->plan->pic || unit->plan->force_recompile;
        for (size_t i = 0; i < unit->include_count; i++)
            recompile |= edit_touches(program->edits, unit->includes[i]) ||
                         source_is_kits(unit->includes[i], "ia2.h") ||
                         (compdb_disables_ia2(unit->command) && asks_for_ia2(unit->includes[i]));
        if (!recompile)
            continue;
        *PUSH(mirror->recompile, mirror->recompile_count, mirror->recompile_capacity) =
            unit->plan->id;
        for (size_t i = 0; i < unit->include_count; i++)
            for (size_t r = 0; r < unit->includes[i]->rel_count; r++)
                if (map_add(&seen, key_of(unit->includes[i]->rels[r])))
                    *PUSH(mirror->files, mirror->file_count, mirror->file_capacity) =
                        (struct mirrored_file){unit->includes[i]->rels[r], unit->includes[i]};
    }
    if (mirror->file_count)
        qsort(mirror->files, mirror->file_count, sizeof(*mirror->files), compare);
    map_free(&seen);
}

void mirror_check(const char *directory)
{
    DIR *const dir = opendir(directory);
    if (!dir) {
        if (errno != ENOENT)
            diag_fatal("%s: %s", directory, strerror(errno));
        return;
    }
    bool empty = true, marked = false;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        empty = false;
        marked |= !strcmp(entry->d_name, MARK);
    }
    closedir(dir);
    if (!empty && !marked)
        diag_fatal(
            "%s: holds files that ia2-rewriter did not put there; give an empty or a new directory",
            directory);
}

/* Removes what is not in the mirror; true if the directory is empty then. */
static bool remove_stale(const char *directory, const struct map *wanted)
{
    DIR *const dir = opendir(directory);
    if (!dir)
        return false;
    bool empty = true;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        const char *const path = intern_format("%s/%s", directory, entry->d_name);
        struct stat status;
        if (map_get(wanted, key_of(path)) || lstat(path, &status)) {
            empty = false;
        } else if (!S_ISDIR(status.st_mode)) {
            if (unlink(path))
                diag_fatal("%s: cannot remove: %s", path, strerror(errno));
        } else if (!remove_stale(path, wanted) || rmdir(path)) {
            empty = false;
        }
    }
    closedir(dir);
    return empty;
}

static const char *skip(const char *at, const char *end, const char *blanks)
{
    while (at < end && strchr(blanks, *at) && *at)
        at++;
    return at;
}

/* The file that the line `at` includes by an absolute path, as `<` or `"` stands before it; its
 * length, or 0. */
static size_t absolute_include(const char *at, const char *end, const char **name)
{
    at = skip(at, end, " \t");
    if (at == end || *at != '#')
        return 0;
    at = skip(at + 1, end, " \t");
    if (end - at < 7 || strncmp(at, "include", 7))
        return 0;
    at = skip(at + 7, end, " \t");
    if (end - at < 2 || !strchr("<\"", *at) || at[1] != '/')
        return 0;
    const char *const close = memchr(at + 1, *at == '<' ? '>' : '"', (size_t)(end - at - 1));
    *name = at + 1;
    return close ? (size_t)(close - at - 1) : 0;
}

/* The text of a mirrored file whose lines include mirrored files by absolute paths (unity builds
 * do), and so would go around the mirror; NULL if it has none. The spelling of the mirror's root is
 * one that only these have: recompile.py maps it back. */
static char *with_mirrored_includes(const char *data, size_t *length, const char *directory,
                                    const struct map *wanted)
{
    struct text made = {0};
    const char *const end = data + *length, *kept = data;
    for (const char *line = data; line < end;) {
        const char *const newline = memchr(line, '\n', (size_t)(end - line)), *const line_end =
                                                                                  newline ? newline
                                                                                          : end;
        const char *name;
        const size_t name_length = absolute_include(line, line_end, &name);
        const char *const rel = name_length ? source_in_mirror(intern_n(name, name_length)) : NULL;
        if (rel && map_get(wanted, key_of(intern_format("%s/%s", directory, rel)))) {
            text_add(&made, kept, (size_t)(name - kept));
            text_printf(&made, "%s/%s%s", directory, strncmp(rel, ".build/", 7) ? "./" : "", rel);
            kept = name + name_length;
        }
        line = line_end + 1;
    }
    if (kept == data)
        return NULL;
    text_add(&made, kept, (size_t)(end - kept));
    *length = made.length;
    return made.data;
}

void mirror_write(const struct program *program, const char *directory)
{
    const struct mirror *const mirror = program->mirror;
    struct map wanted = {0};
    const char *const mark = intern_format("%s/" MARK, directory);
    mirror_write_file(mark, "", 0);
    map_add(&wanted, key_of(mark));
    for (size_t i = 0; i < mirror->file_count; i++)
        map_add(&wanted, key_of(intern_format("%s/%s", directory, mirror->files[i].rel)));
    for (size_t i = 0; i < mirror->file_count; i++) {
        const struct source *const source = mirror->files[i].source;
        const char *const path = intern_format("%s/%s", directory, mirror->files[i].rel);
        size_t length = source->size;
        char *const edited = edit_touches(program->edits, source)
                                 ? edit_render(program->edits, source, &length)
                                 : NULL;
        char *const text =
            with_mirrored_includes(edited ? edited : source->text, &length, directory, &wanted);
        if (text || edited)
            mirror_write_file(path, text ? text : edited, length);
        else
            link_file(path, source->path);
        free(text);
        free(edited);
    }
    remove_stale(directory, &wanted);
    map_free(&wanted);
}
