#include "unseen.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "edits.h"
#include "input/branches.h"

/* What may be a call through a pointer: the text from the callee's last name or bracket to the `(`.
 */
struct candidate {
    struct source *source;
    size_t begin, end;
    const char *name; /* the callee is this name alone, and may be a function; else NULL */
    bool seen;
};
struct candidates {
    struct candidate *list;
    size_t count, capacity;
    struct map variables; /* set of names */
};

/* The tokens before the one at hand. */
struct window {
    size_t last, before; /* SIZE_MAX: none */
    size_t open, word; /* the bracket that `last` closes, and the token before that one */
};

static bool is_member(const struct source *source, size_t token)
{
    return token != SIZE_MAX && (source->text[token] == '.' ||
                                 (source->text[token] == '>' && source->text[token - 1] == '-'));
}

/* Whether the brackets after the token `word` hold what can be called: `*p`, `p->member`,
 * `table[i]`; not a type, as in a cast or in `int (*)(void)`, nor a declarator, `int (*p)(void)`.
 */
static bool holds_pointer(const struct source *source, size_t word, size_t open, size_t close)
{
    static const char *const before_expressions[] = {"return", "else", "do", "case", NULL};
    const size_t first = source_skip_blank(source, open + 1);
    if (word != SIZE_MAX && source_identifier(source, word) &&
        !source_is_any_word(source, word, before_expressions))
        return false;
    if (source->text[first] == '*')
        return source_skip_blank(source, first + 1) != close;
    for (size_t i = first; i < close; i = source_skip_blank(source, source_skip_token(source, i)))
        if (source->text[i] == '[' || is_member(source, i))
            return true;
    return false;
}

static void note_call(struct candidates *candidates, struct source *source,
                      const struct window *window, size_t bracket)
{
    static const char *const not_called[] = {"if",       "while",         "for",         "switch",
                                             "sizeof",   "typeof",        "__typeof__",  "__typeof",
                                             "_Alignof", "__attribute__", "__attribute", "asm",
                                             "__asm__",  "__asm",         "_Generic",    NULL};
    struct candidate found = {source, window->last, bracket, NULL, false};
    const size_t length = window->last == SIZE_MAX ? 0 : source_identifier(source, window->last);
    if (window->last == SIZE_MAX ||
        (length && source_is_any_word(source, window->last, not_called)))
        return;
    if (length) {
        if (!is_member(source, window->before))
            found.name = intern_n(source->text + window->last, length);
    } else if (source->text[window->last] == ']') {
        found.begin = window->word != SIZE_MAX ? window->word : window->open;
    } else if (source->text[window->last] == ')' && window->open != SIZE_MAX &&
               holds_pointer(source, window->word, window->open, window->last)) {
        found.begin = window->open;
    } else {
        return;
    }
    *PUSH(candidates->list, candidates->count, candidates->capacity) = found;
}

/* A name that is declared here, other than as a function: `TYPE name`, `*name`, and then the end of
 * the declarator. */
static void note_variable(struct candidates *candidates, const struct source *source,
                          const struct window *window, size_t next)
{
    const size_t length = window->last == SIZE_MAX ? 0 : source_identifier(source, window->last);
    if (length && window->before != SIZE_MAX && strchr(",);=[", source->text[next]) &&
        (source->text[window->before] == '*' || source_identifier(source, window->before)))
        map_add(&candidates->variables, key_of(intern_n(source->text + window->last, length)));
}

static void note_branch(struct candidates *candidates, const struct branch *branch)
{
    struct source *const source = branch->source;
    struct window window = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    struct open_bracket {
        size_t at, word;
    } *open = NULL;
    size_t depth = 0, capacity = 0;
    for (size_t i = source_skip_blank(source, branch->begin); i < branch->end;
         i = source_skip_blank(source, source_skip_token(source, i))) {
        const char c = source->text[i];
        note_variable(candidates, source, &window, i);
        if (c == '(')
            note_call(candidates, source, &window, i);
        window.open = window.word = SIZE_MAX;
        if (c == '(' || c == '[') {
            *PUSH(open, depth, capacity) = (struct open_bracket){i, window.last};
        } else if ((c == ')' || c == ']') && depth) {
            depth--;
            window.open = open[depth].at;
            window.word = open[depth].word;
        }
        window.before = window.last;
        window.last = i;
    }
    free(open);
}

static int compare(const void *left, const void *right)
{
    const struct candidate *const a = left, *const b = right;
    if (a->source != b->source)
        return strcmp(a->source->path, b->source->path);
    return (a->end > b->end) - (a->end < b->end);
}

/* The candidates of a file. */
struct range {
    size_t first, last;
};

/* What is seen of one unit. */
struct seen {
    struct candidates *candidates;
    struct map by_file; /* number of a file in the tree -> struct range */
};

/* Clang has seen what stands between a callee and its arguments, or a variable that may be called.
 */
static void note_seen(void *context, struct cursor cursor)
{
    const struct seen *const seen = context;
    struct candidates *const candidates = seen->candidates;
    const struct spot spot = location_spots(cursor_location(cursor)).spelling;
    const struct range *const range = spot.file ? map_get(&seen->by_file, spot.file) : NULL;
    for (size_t i = range ? range->first : 0; range && i < range->last; i++)
        candidates->list[i].seen |=
            candidates->list[i].begin <= spot.offset && spot.offset <= candidates->list[i].end;
    const enum CXCursorKind kind = cursor_kind(cursor);
    if ((kind == CXCursor_VarDecl || kind == CXCursor_ParmDecl) &&
        is_function(type_pointee(without_atomic(cursor_type(cursor)))))
        map_add(&candidates->variables, key_of(cursor_name(cursor)));
}

static void note_unit(struct candidates *candidates, struct unit *unit, const struct map *ranges)
{
    struct seen seen = {.candidates = candidates};
    size_t count;
    const struct tree_inclusion *const all = tree_inclusions(unit->tree, &count);
    for (size_t i = 0; i < count; i++) {
        const struct source *const source = unit_source(unit, all[i].file);
        struct range *const range = source ? map_get(ranges, key_of(source)) : NULL;
        if (range)
            map_put(&seen.by_file, all[i].file, range);
    }
    if (seen.by_file.used)
        tree_visit_all(unit->tree, note_seen, &seen);
    map_free(&seen.by_file);
}

void unseen_guard(const struct program *program)
{
    struct candidates candidates = {0};
    for (size_t i = 0; i < program->branches->count; i++)
        note_branch(&candidates, &program->branches->list[i]);
    if (!candidates.count) {
        map_free(&candidates.variables);
        return;
    }
    qsort(candidates.list, candidates.count, sizeof(*candidates.list), compare);
    struct range *const all = must_alloc(candidates.count * sizeof(*all));
    struct map ranges = {0};
    for (size_t i = 0, first = 0; i < candidates.count; i++) {
        if (candidates.list[i].source != candidates.list[first].source)
            first = i;
        all[first] = (struct range){first, i + 1};
        map_put(&ranges, key_of(candidates.list[first].source), &all[first]);
    }
    for (size_t u = 0; u < program->unit_count; u++)
        note_unit(&candidates, &program->units[u], &ranges);
    for (size_t i = 0; i < candidates.count; i++) {
        const struct candidate *const candidate = &candidates.list[i];
        if (!candidate->seen &&
            (!candidate->name || map_get(&candidates.variables, key_of(candidate->name))))
            edit_insert(program->edits, candidate->source, candidate->begin, "IA2_UNSEEN_CALL ",
                        no_cursor());
    }
    map_free(&ranges);
    map_free(&candidates.variables);
    free(all);
    free(candidates.list);
}
