#include "branches.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "macros.h"

/* #if, #ifdef, #ifndef, #elif and their like, up to the end of the line. */
struct condition {
    struct source *source;
    size_t begin, end;
    bool depends;
};

struct branch *branches;
size_t branch_count;
static size_t branch_capacity;
static struct condition *conditions;
static size_t condition_count, condition_capacity;
static struct map asked; /* set of the names in conditions */
static struct map
    depending; /* set of the names of macros that are not the same for all compilers */

/* Whether compilers differ in it: by `gcc -dM -E` and `clang -dM -E`, as far as programs ask. */
static bool names_compiler(const char *name, size_t length)
{
    static const char *const prefixes[] = {"__clang",     "__CLANG",      "__llvm__",
                                           "__GNUC",      "__GCC",        "__GXX",
                                           "__VERSION__", "__has_",       "__is_identifier",
                                           "__SANITIZE_", "__FLOAT128__", "__SIZEOF_FLOAT80__",
                                           "__seg_"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
        if (length >= strlen(prefixes[i]) && !strncmp(name, prefixes[i], strlen(prefixes[i])))
            return true;
    return false;
}

typedef bool found_name(const char *text, size_t length);

/* Whether `found` says so of a name in [begin, end). */
static bool any_name(const struct source *source, size_t begin, size_t end, found_name *found)
{
    for (size_t i = source_skip_blank(source, begin); i < end;
         i = source_skip_blank(source, source_skip_token(source, i))) {
        const size_t length = source_identifier(source, i);
        if (length && found(source->text + i, length))
            return true;
    }
    return false;
}

static bool note_asked(const char *text, size_t length)
{
    map_add(&asked, key_of(intern_n(text, length)));
    return false;
}

static bool name_depends(const char *text, size_t length)
{
    return names_compiler(text, length) || map_get(&depending, key_of(intern_n(text, length)));
}

/* The word after the `#` at `offset`. */
static bool is_directive(const struct source *source, size_t offset, const char *word, bool whole)
{
    const size_t at = source_skip_blank(source, offset + 1);
    return whole ? source_is_word(source, at, word)
                 : !strncmp(source->text + at, word, strlen(word));
}

static void note_conditions(struct source *source)
{
    for (const char *line = source->text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const size_t at = (size_t)(line - source->text) + strspn(line, " \t");
        if (source->text[at] != '#' ||
            (!is_directive(source, at, "if", false) && !is_directive(source, at, "elif", false)))
            continue;
        *PUSH(conditions, condition_count, condition_capacity) =
            (struct condition){source, at, source_line_end(source, at), false};
        any_name(source, at, source_line_end(source, at), note_asked);
    }
}

struct level {
    bool depends;
    size_t begin; /* of the outermost that depends */
};

typedef void found_branch(struct source *source, size_t begin, size_t end);

/* Names that a branch defines, and that are asked for. */
static bool more_names;
static void note_defined(struct source *source, size_t begin, size_t end)
{
    for (size_t i = source_skip_blank(source, begin); i < end;
         i = source_skip_blank(source, source_skip_token(source, i))) {
        if (source->text[i] != '#' || !is_directive(source, i, "define", true))
            continue;
        const size_t at =
            source_skip_blank(source, source_skip_blank(source, i + 1) + strlen("define"));
        const char *const name = intern_n(source->text + at, source_identifier(source, at));
        more_names |= map_get(&asked, key_of(name)) && map_add(&depending, key_of(name));
    }
}

static void add_branch(struct source *source, size_t begin, size_t end)
{
    *PUSH(branches, branch_count, branch_capacity) = (struct branch){source, begin, end};
}

static void walk(struct source *source, found_branch *found)
{
    struct level *levels = NULL;
    size_t depth = 0, capacity = 0;
    PUSH(levels, depth, capacity); /* the file */
    for (size_t i = source_skip_blank(source, 0); i < source->size;
         i = source_skip_blank(source, i)) {
        if (source->text[i] != '#') {
            i = source_skip_token(source, i);
            continue;
        }
        const size_t end = source_line_end(source, i);
        const bool begins = is_directive(source, i, "if", false);
        if (begins)
            *PUSH(levels, depth, capacity) = levels[depth - 1];
        struct level *const it = &levels[depth - 1];
        if ((begins || (is_directive(source, i, "elif", false) && depth > 1)) && !it->depends &&
            any_name(source, i, end, name_depends))
            *it = (struct level){true, end};
        if (is_directive(source, i, "endif", true) && depth > 1) {
            depth--;
            if (it->depends && !levels[depth - 1].depends)
                found(source, it->begin, i);
        }
        i = end;
    }
    free(levels);
}

/* Marks the conditions that depend on the compiler by what is known so far, and learns the names
 * that their branches define. */
static void follow_conditions(void)
{
    for (size_t i = 0, next; i < condition_count; i = next) { /* those of a file are in a row */
        bool more = false;
        for (next = i; next < condition_count && conditions[next].source == conditions[i].source;
             next++) {
            struct condition *const it = &conditions[next];
            if (!it->depends && any_name(it->source, it->begin, it->end, name_depends))
                more = it->depends = true;
        }
        if (more)
            walk(conditions[i].source, note_defined);
    }
}

/* Macros that are asked for, and that are made of such names. */
static void follow_macros(void)
{
    for (size_t i = 0; i < macro_count; i++) {
        const struct macro *const it = &macros[i];
        if (map_get(&asked, key_of(it->name)) && !map_get(&depending, key_of(it->name)) &&
            any_name(it->source, it->body, it->end, name_depends))
            more_names |= map_add(&depending, key_of(it->name));
    }
}

/* The #defines of what a branch uses, which may be used nowhere else. */
static bool note_used(const char *text, size_t length)
{
    static struct map noted;
    for (size_t m = macro_first(intern_n(text, length)); m; m = macros[m - 1].next)
        if (map_add(&noted, m))
            add_branch(macros[m - 1].source, macros[m - 1].body, macros[m - 1].end);
    return false;
}

void branches_find(struct source *const *sources, size_t count)
{
    for (size_t i = 0; i < count; i++)
        note_conditions(sources[i]);
    do {
        more_names = false;
        follow_macros();
        follow_conditions();
    } while (more_names);
    const struct source *last = NULL;
    for (size_t i = 0; i < condition_count; i++)
        if (conditions[i].depends && conditions[i].source != last) {
            last = conditions[i].source;
            walk(conditions[i].source, add_branch);
        }
    for (size_t i = 0; i < branch_count; i++) /* grows */
        any_name(branches[i].source, branches[i].begin, branches[i].end, note_used);
}
