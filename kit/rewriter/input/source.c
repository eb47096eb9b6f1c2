#include "source.h"

#include <ctype.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/files.h"
#include "base/intern.h"

static const char *root, *build;
static struct map sources, aliases;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *real_directory(const char *path)
{
    char resolved[PATH_MAX];
    struct stat status;
    if (!realpath(path, resolved) || stat(resolved, &status) || !S_ISDIR(status.st_mode))
        diag_fatal("%s: not a directory", path);
    return intern(resolved);
}

void source_set_roots(const char *source_root, const char *build_dir)
{
    root = real_directory(source_root);
    build = real_directory(build_dir);
}

const char *source_roots(void)
{
    return intern_format("%s\n%s", root, build);
}

/* `path` relative to `directory`, or NULL. */
static const char *relative_to(const char *directory, const char *path)
{
    const size_t length = strlen(directory);
    return !strncmp(path, directory, length) && path[length] == '/' ? path + length + 1 : NULL;
}

/* The path in the mirror of an absolute path, or NULL. */
static const char *mirrored(const char *path)
{
    const char *const in_root = relative_to(root, path), *const in_build = relative_to(build, path);
    return in_root ? intern(in_root) : in_build ? intern_format(".build/%s", in_build) : NULL;
}

/* Without "." and "..", which realpath would do too, but it would also follow links: the mirror has
 * a file where the compiler looks for it. */
static const char *normalized(const char *path)
{
    struct text text = {0};
    while (*path) {
        const size_t length = strcspn(path, "/");
        if (length == 2 && !strncmp(path, "..", 2)) {
            while (text.length && text.data[--text.length] != '/')
                ;
        } else if (length && !(length == 1 && *path == '.')) {
            text_puts(&text, "/");
            text_add(&text, path, length);
        }
        path += length + (path[length] == '/');
    }
    const char *const result = intern_n(text.data ? text.data : "", text.length);
    free(text.data);
    return result;
}

bool source_is_kits(const struct source *source, const char *name)
{
    const char *const slash = strrchr(source->path, '/');
    return slash && !strcmp(slash + 1, name) && !source->rel_count;
}

const char *source_in_mirror(const char *path)
{
    return mirrored(normalized(path));
}

static void add_path(struct source *source, const char *path)
{
    const char *const lexical = source_in_mirror(path);
    const char *const rel = lexical ? lexical : mirrored(source->path);
    for (size_t i = 0; i < source->rel_count; i++)
        if (source->rels[i] == rel)
            return;
    if (rel)
        *PUSH(source->rels, source->rel_count, source->rel_capacity) = rel;
    if (rel && source->shown == source->path)
        source->shown = rel;
}

static struct source *load(const char *path)
{
    size_t size;
    char *const text = read_whole(path, &size);
    if (!text)
        return NULL;
    struct source *const source = must_alloc(sizeof(*source));
    source->text = text;
    source->size = size;
    source->hash = hash_bytes(text, size);
    source->path = intern(path);
    source->shown = mirrored(source->path) ? mirrored(source->path) : source->path;
    return source;
}

struct source *source_get(const char *path)
{
    const char *const name = intern(path);
    pthread_mutex_lock(&lock);
    struct source *source = map_get(&aliases, key_of(name));
    char resolved[PATH_MAX];
    if (!source && realpath(path, resolved)) {
        const char *const real = intern(resolved);
        source = map_get(&sources, key_of(real));
        if (!source && (source = load(real)))
            map_put(&sources, key_of(real), source);
        if (source)
            map_put(&aliases, key_of(name), source);
    }
    pthread_mutex_unlock(&lock);
    return source;
}

struct source *source_read(const char *path)
{
    static struct map known; /* the paths that were added, by their one copy */
    struct source *const source = source_get(path);
    if (source) {
        const char *const name = intern(path);
        pthread_mutex_lock(&lock);
        if (map_add(&known, key_of(name)))
            add_path(source, path);
        pthread_mutex_unlock(&lock);
    }
    return source;
}

static void find_lines(struct source *source)
{
    *PUSH(source->lines, source->line_count, source->line_capacity) = 0;
    for (size_t i = 0; i < source->size; i++) {
        if (source->text[i] == '\r' && source->text[i + 1] == '\n')
            i++;
        else if (source->text[i] != '\n' && source->text[i] != '\r')
            continue;
        *PUSH(source->lines, source->line_count, source->line_capacity) = (unsigned)i + 1;
    }
}

void source_position(struct source *source, size_t offset, unsigned *line, unsigned *column)
{
    if (!source->line_count)
        find_lines(source);
    size_t low = 0,
           high = source->line_count - 1; /* the last line that begins at the offset or before */
    while (low < high) {
        const size_t middle = low + (high - low + 1) / 2;
        if (source->lines[middle] <= offset)
            low = middle;
        else
            high = middle - 1;
    }
    *line = (unsigned)low + 1;
    *column = (unsigned)(offset - source->lines[low]) + 1;
}

size_t source_skip_blank(const struct source *source, size_t offset)
{
    const char *const t = source->text;
    for (;;) {
        if (isspace((unsigned char)t[offset])) {
            offset++;
        } else if (t[offset] == '\\' && t[offset + 1] == '\n') {
            offset += 2;
        } else if (t[offset] == '\\' && t[offset + 1] == '\r' && t[offset + 2] == '\n') {
            offset += 3;
        } else if (t[offset] == '/' && t[offset + 1] == '*') {
            const char *const end = strstr(t + offset + 2, "*/");
            offset = end ? (size_t)(end - t) + 2 : source->size;
        } else if (t[offset] == '/' && t[offset + 1] == '/') {
            while (offset < source->size && t[offset] != '\n')
                offset += t[offset] == '\\' && offset + 1 < source->size ? 2 : 1;
        } else {
            return offset;
        }
    }
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

size_t source_identifier(const struct source *source, size_t offset)
{
    size_t end = offset;
    while (end < source->size && is_word(source->text[end]))
        end++;
    return end - offset;
}

size_t source_identifier_start(const struct source *source, size_t end)
{
    while (end > 0 && is_word(source->text[end - 1]))
        end--;
    return end;
}

bool source_is_word(const struct source *source, size_t offset, const char *word)
{
    const size_t length = strlen(word);
    return source_identifier(source, offset) == length &&
           !strncmp(source->text + offset, word, length);
}

bool source_is_any_word(const struct source *source, size_t offset, const char *const *words)
{
    for (; *words; words++)
        if (source_is_word(source, offset, *words))
            return true;
    return false;
}

size_t source_skip_token(const struct source *source, size_t offset)
{
    const char *const t = source->text;
    if (t[offset] == '"' || t[offset] == '\'') {
        const char quote = t[offset++];
        while (offset < source->size && t[offset] != quote && t[offset] != '\n')
            offset += t[offset] == '\\' && offset + 1 < source->size ? 2 : 1;
        return offset < source->size ? offset + 1 : offset;
    }
    const size_t word = source_identifier(source, offset);
    return offset + (word ? word : offset < source->size);
}

/* Whether the `#` at `offset` is the first thing on its line. */
static bool starts_line(const struct source *source, size_t offset)
{
    while (offset > 0 && (source->text[offset - 1] == ' ' || source->text[offset - 1] == '\t'))
        offset--;
    return offset == 0 || source->text[offset - 1] == '\n';
}

size_t source_line_end(const struct source *source, size_t offset)
{
    while (offset < source->size &&
           (source->text[offset] != '\n' || (offset > 0 && source->text[offset - 1] == '\\')))
        offset++;
    return offset;
}

/* The conditions that the preprocessor line at `offset` opens (or -1: closes), and the offset of
 * its end. */
static int directive(const struct source *source, size_t *offset)
{
    const size_t name = source_skip_blank(source, *offset + 1);
    *offset = source_line_end(source, *offset);
    return !strncmp(source->text + name, "if", 2)      ? 1
           : !strncmp(source->text + name, "endif", 5) ? -1
                                                       : 0;
}

static bool scan_brackets(const struct source *source, size_t begin, size_t end, bool directives)
{
    int depth = 0, conditions = 0;
    for (size_t i = source_skip_blank(source, begin), next; i < end;
         i = source_skip_blank(source, next)) {
        const char c = source->text[i];
        next = source_skip_token(source, i);
        if (strchr("([{", c)) {
            depth++;
        } else if (strchr(")]}", c) && --depth < 0) {
            return false;
        } else if (c == '#' && starts_line(source, i)) {
            next = i;
            conditions += directive(source, &next);
            if (!directives || conditions < 0)
                return false;
        } else if (depth == 0 && (c == ',' || c == ';')) {
            return false;
        }
    }
    return depth == 0 && conditions == 0;
}

bool source_is_one_argument(const struct source *source, size_t begin, size_t end)
{
    return scan_brackets(source, begin, end, false);
}

bool source_is_one_expression(const struct source *source, size_t begin, size_t end)
{
    return scan_brackets(source, begin, end, true);
}

size_t source_skip_brackets(const struct source *source, size_t offset)
{
    int depth = 0;
    if (!source->text[offset] || !strchr("([{", source->text[offset]))
        return 0;
    for (size_t i = offset; i < source->size;
         i = source_skip_blank(source, source_skip_token(source, i))) {
        if (strchr("([{", source->text[i]))
            depth++;
        else if (strchr(")]}", source->text[i]) && --depth == 0)
            return i + 1;
    }
    return 0;
}

size_t source_declarator_end(const struct source *source, size_t begin, size_t name_end)
{
    int depth = 0;
    size_t end = name_end;
    for (size_t i = source_skip_blank(source, begin); i < source->size;
         i = source_skip_blank(source, source_skip_token(source, i))) {
        const char c = source->text[i];
        if (i >= name_end && depth <= 0 && strchr("=,;:", c))
            break;
        if (strchr("([{", c))
            depth++;
        else if (strchr(")]}", c))
            depth--;
        if (i >= name_end)
            end = source_skip_token(source, i);
    }
    return end;
}

bool source_in_define(const struct source *source, size_t offset, size_t *end)
{
    const char *const t = source->text;
    size_t line = offset;
    while (line > 0 && !(t[line - 1] == '\n' && !(line > 1 && t[line - 2] == '\\')))
        line--;
    size_t i = source_skip_blank(source, line);
    if (t[i] != '#')
        return false;
    i = source_skip_blank(source, i + 1);
    if (!source_is_word(source, i, "define"))
        return false;
    i = source_skip_blank(source, i + 6);
    *end = i + source_identifier(source, i);
    return true;
}

bool source_starts_macro_body(const struct source *source, size_t offset)
{
    const char *const t = source->text;
    size_t i;
    if (!source_in_define(source, offset, &i))
        return false;
    if (t[i] == '(') {
        const char *const close = strchr(t + i, ')');
        if (!close)
            return false;
        i = (size_t)(close - t) + 1;
    }
    return source_skip_blank(source, i) == offset;
}

size_t source_macro_name(const struct source *source, size_t offset)
{
    size_t end;
    return source_in_define(source, offset, &end) ? source_identifier_start(source, end) : offset;
}

/* Backwards over blanks and line continuations. */
static size_t before_blank(const struct source *source, size_t offset)
{
    const char *const t = source->text;
    while (offset > 0 && (t[offset - 1] == ' ' || t[offset - 1] == '\t' || t[offset - 1] == '\\' ||
                          (t[offset - 1] == '\n' && offset > 1 && t[offset - 2] == '\\')))
        offset--;
    return offset;
}

/* The name of the macro in whose #define `offset` is; false if it is in none, or in one without
 * parameters. */
static bool enclosing_define(const struct source *source, size_t offset, size_t *parameters)
{
    return source_in_define(source, offset, parameters) && source->text[*parameters] == '(' &&
           *parameters < offset;
}

bool source_parameter_before_member(const struct source *source, size_t member, size_t *begin)
{
    const char *const t = source->text;
    size_t at = before_blank(source, member), open;
    if (at >= 1 && t[at - 1] == '.')
        at -= 1;
    else if (at >= 2 && t[at - 1] == '>' && t[at - 2] == '-')
        at -= 2;
    else
        return false;
    at = before_blank(source, at);
    const bool parentheses = at > 0 && t[at - 1] == ')';
    const size_t end = parentheses ? before_blank(source, at - 1) : at,
                 name = source_identifier_start(source, end);
    *begin = name;
    if (parentheses) {
        const size_t before = before_blank(source, name);
        if (before == 0 || t[before - 1] != '(')
            return false;
        *begin = before - 1;
    }
    if (name == end || !enclosing_define(source, name, &open))
        return false;
    const char *const close = strchr(t + open, ')');
    for (size_t i = open + 1; close && i < (size_t)(close - t);
         i = source_skip_blank(source, source_skip_token(source, i)))
        if (source_identifier(source, i) == end - name && !strncmp(t + i, t + name, end - name))
            return (size_t)(close - t) < name;
    return false;
}

size_t source_initializer_end(const struct source *source, size_t begin)
{
    int depth = 0;
    size_t end = begin;
    for (size_t i = begin; i < source->size; i = source_skip_blank(source, end)) {
        const char c = source->text[i];
        if (depth == 0 && strchr(",;", c))
            break;
        if (strchr("([{", c))
            depth++;
        else if (strchr(")]}", c) && --depth < 0)
            break;
        end = source_skip_token(source, i);
    }
    return end;
}

/* The offset after the bracket that pairs with the first one from `begin` on. */
static size_t after_bracket(const struct source *source, size_t begin)
{
    int depth = 0;
    for (size_t i = begin; i < source->size;) {
        const char c = source->text[i];
        const size_t next = source_skip_token(source, i);
        if (strchr("([{", c))
            depth++;
        else if (strchr(")]}", c) && --depth <= 0)
            return next;
        i = source_skip_blank(source, next);
    }
    return source->size;
}

bool source_is_macro_use(const struct source *source, size_t begin, size_t end)
{
    const size_t name = begin + source_identifier(source, begin),
                 open = source_skip_blank(source, name);
    return name > begin &&
           (name == end || (source->text[open] == '(' && after_bracket(source, open) == end));
}

bool source_bracket_ends_macro_body(const struct source *source, size_t begin)
{
    return source_ends_macro_body(source, after_bracket(source, begin));
}

bool source_ends_macro_body(const struct source *source, size_t offset)
{
    const size_t next = source_skip_blank(source, offset);
    for (size_t i = offset; i < next; i++)
        if (source->text[i] == '\n' && source->text[i - 1] != '\\')
            return true;
    return next == source->size;
}
