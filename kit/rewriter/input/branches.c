#include "branches.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"

/* #if, #ifdef, #ifndef, #elif and their like, up to the end of the line. */
struct condition {
    struct source *source;
    size_t begin, end;
    bool depends;
};

/* What is known on the way. */
struct finder {
    const struct macros *macros;
    struct branches *branches;
    struct condition *conditions;
    size_t condition_count, condition_capacity;
    struct map asked; /* set of the names in conditions */
    struct map depending; /* set of the names of macros that are not the same for all compilers */
    struct map used; /* set of the macros that branches use: positions + 1 */
    bool more_names;
};

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

typedef bool found_name(struct finder *finder, const char *text, size_t length);

/* Whether `found` says so of a name in [begin, end). */
static bool any_name(struct finder *finder, const struct source *source, size_t begin, size_t end,
                     found_name *found)
{
    for (size_t i = source_skip_blank(source, begin); i < end;
         i = source_skip_blank(source, source_skip_token(source, i))) {
        const size_t length = source_identifier(source, i);
        if (length && found(finder, source->text + i, length))
            return true;
    }
    return false;
}

static bool note_asked(struct finder *finder, const char *text, size_t length)
{
    map_add(&finder->asked, key_of(intern_n(text, length)));
    return false;
}

static bool name_depends(struct finder *finder, const char *text, size_t length)
{
    return names_compiler(text, length) ||
           map_get(&finder->depending, key_of(intern_n(text, length)));
}

/* The word after the `#` at `offset`. */
static bool is_directive(const struct source *source, size_t offset, const char *word, bool whole)
{
    const size_t at = source_skip_blank(source, offset + 1);
    return whole ? source_is_word(source, at, word)
                 : !strncmp(source->text + at, word, strlen(word));
}

static void note_conditions(struct finder *finder, struct source *source)
{
    for (const char *line = source->text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const size_t at = (size_t)(line - source->text) + strspn(line, " \t");
        if (source->text[at] != '#' ||
            (!is_directive(source, at, "if", false) && !is_directive(source, at, "elif", false)))
            continue;
        *PUSH(finder->conditions, finder->condition_count, finder->condition_capacity) =
            (struct condition){source, at, source_line_end(source, at), false};
        any_name(finder, source, at, source_line_end(source, at), note_asked);
    }
}

struct level {
    bool depends;
    size_t begin; /* of the outermost that depends */
};

typedef void found_branch(struct finder *finder, struct source *source, size_t begin, size_t end);

/* Names that a branch defines, and that are asked for. */
static void note_defined(struct finder *finder, struct source *source, size_t begin, size_t end)
{
    for (size_t i = source_skip_blank(source, begin); i < end;
         i = source_skip_blank(source, source_skip_token(source, i))) {
        if (source->text[i] != '#' || !is_directive(source, i, "define", true))
            continue;
        const size_t at =
            source_skip_blank(source, source_skip_blank(source, i + 1) + strlen("define"));
        const char *const name = intern_n(source->text + at, source_identifier(source, at));
        finder->more_names |=
            map_get(&finder->asked, key_of(name)) && map_add(&finder->depending, key_of(name));
    }
}

static void add_branch(struct finder *finder, struct source *source, size_t begin, size_t end)
{
    struct branches *const branches = finder->branches;
    *PUSH(branches->list, branches->count, branches->capacity) =
        (struct branch){source, begin, end};
}

static void walk(struct finder *finder, struct source *source, found_branch *found)
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
        struct level *const level = &levels[depth - 1];
        if ((begins || (is_directive(source, i, "elif", false) && depth > 1)) && !level->depends &&
            any_name(finder, source, i, end, name_depends))
            *level = (struct level){true, end};
        if (is_directive(source, i, "endif", true) && depth > 1) {
            depth--;
            if (level->depends && !levels[depth - 1].depends)
                found(finder, source, level->begin, i);
        }
        i = end;
    }
    free(levels);
}

/* Marks the conditions that depend on the compiler by what is known so far, and learns the names
 * that their branches define. */
static void follow_conditions(struct finder *finder)
{
    for (size_t i = 0, next; i < finder->condition_count;
         i = next) { /* those of a file are in a row */
        bool more = false;
        for (next = i; next < finder->condition_count &&
                       finder->conditions[next].source == finder->conditions[i].source;
             next++) {
            struct condition *const condition = &finder->conditions[next];
            if (!condition->depends &&
                any_name(finder, condition->source, condition->begin, condition->end, name_depends))
                more = condition->depends = true;
        }
        if (more)
            walk(finder, finder->conditions[i].source, note_defined);
    }
}

/* Macros that are asked for, and that are made of such names. */
static void follow_macros(struct finder *finder)
{
    for (size_t i = 0; i < finder->macros->count; i++) {
        const struct macro *const macro = &finder->macros->list[i];
        if (map_get(&finder->asked, key_of(macro->name)) &&
            !map_get(&finder->depending, key_of(macro->name)) &&
            any_name(finder, macro->source, macro->body, macro->end, name_depends))
            finder->more_names |= map_add(&finder->depending, key_of(macro->name));
    }
}

/* The #defines of what a branch uses, which may be used nowhere else. */
static bool note_used(struct finder *finder, const char *text, size_t length)
{
    const struct macros *const macros = finder->macros;
    for (size_t m = macro_first(macros, intern_n(text, length)); m; m = macros->list[m - 1].next) {
        const struct macro *const macro = &macros->list[m - 1];
        if (map_add(&finder->used, m))
            add_branch(finder, macro->source, macro->body, macro->end);
    }
    return false;
}

struct branches *branches_find(struct source *const *sources, size_t count,
                               const struct macros *macros)
{
    struct branches *const branches = must_alloc(sizeof(*branches));
    struct finder finder = {.macros = macros, .branches = branches};
    for (size_t i = 0; i < count; i++)
        note_conditions(&finder, sources[i]);
    do {
        finder.more_names = false;
        follow_macros(&finder);
        follow_conditions(&finder);
    } while (finder.more_names);
    const struct source *last = NULL;
    for (size_t i = 0; i < finder.condition_count; i++)
        if (finder.conditions[i].depends && finder.conditions[i].source != last) {
            last = finder.conditions[i].source;
            walk(&finder, finder.conditions[i].source, add_branch);
        }
    for (size_t i = 0; i < branches->count; i++) { /* grows */
        const struct branch branch = branches->list[i];
        any_name(&finder, branch.source, branch.begin, branch.end, note_used);
    }
    free(finder.conditions);
    map_free(&finder.asked);
    map_free(&finder.depending);
    map_free(&finder.used);
    return branches;
}
