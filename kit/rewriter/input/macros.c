#include "macros.h"

#include <string.h>

struct macro *macros;
size_t macro_count;
static size_t macro_capacity;
static struct map by_name;   /* interned name -> position + 1 of the first */

size_t macro_parameter(const struct macro *macro, const char *name) {
    size_t i = 0;
    while (i < macro->count && macro->parameters[i] != name)
        i++;
    return i;
}

size_t macro_arguments(const struct source *source, size_t open, macro_argument *found, void *context) {
    const size_t close = source_skip_brackets(source, open);
    size_t begin = source_skip_blank(source, open + 1), end = begin, position = 0;
    int depth = 0;
    if (!close)
        return 0;
    for (size_t i = begin; i < close; i = source_skip_blank(source, source_skip_token(source, i))) {
        const char c = source->text[i];
        if (depth == 0 && (c == ',' || i == close - 1)) {
            found(context, position++, begin, end);
            begin = end = source_skip_blank(source, i + 1);
            continue;
        }
        depth += c == '(' ? 1 : c == ')' ? -1 : 0;   /* no other bracket protects a comma */
        end = source_skip_token(source, i);
    }
    return close;
}

struct definition {
    struct macro *macro;
    struct source *source;
};

static void add_parameter(void *context, size_t position, size_t begin, size_t end) {
    const struct definition *const it = context;
    const char *const text = it->source->text + begin;
    size_t length = source_identifier(it->source, begin);
    (void)position;
    if (begin == end)
        return;
    if (length < end - begin)
        it->macro->variadic = true;
    *PUSH(it->macro->parameters, it->macro->count, it->macro->capacity) = length ? intern_n(text, length) : intern("__VA_ARGS__");
}

/* `# define NAME(PARAMETERS) BODY`, `# define NAME BODY`; `offset` is that of the `#`. */
static void note_definition(struct source *source, size_t offset) {
    struct macro macro = { .source = source };
    struct definition it = { &macro, source };
    offset = source_skip_blank(source, offset + 1);
    if (source_identifier(source, offset) != 6 || strncmp(source->text + offset, "define", 6))
        return;
    offset = source_skip_blank(source, offset + 6);
    const size_t length = source_identifier(source, offset);
    macro.name = intern_n(source->text + offset, length);
    macro.body = offset + length;
    macro.end = source_line_end(source, macro.body);
    macro.function_like = source->text[macro.body] == '(';
    if (macro.function_like)
        macro.body = macro_arguments(source, macro.body, add_parameter, &it);
    if (!length || !macro.body || macro.body > macro.end)
        return;
    macro.strings = must_alloc((macro.count + 1) * sizeof(*macro.strings));
    macro.next = (size_t)(uintptr_t)map_get(&by_name, key_of(macro.name));
    *PUSH(macros, macro_count, macro_capacity) = macro;
    map_put(&by_name, key_of(macro.name), (void *)(uintptr_t)macro_count);
}

static void scan_source(struct source *source) {
    for (size_t line = 0; line < source->size; line = source_line_end(source, line) + 1) {
        size_t at = line;
        while (source->text[at] == ' ' || source->text[at] == '\t')
            at++;
        if (source->text[at] == '#')
            note_definition(source, at);
    }
}

struct passed {
    struct macro *macro;
    const struct macro *callee;
    bool more;
};

/* An argument that a macro passes on to one that makes a string of it. */
static void note_passed(void *context, size_t position, size_t begin, size_t end) {
    struct passed *const it = context;
    const struct source *const source = it->macro->source;
    if (position >= it->callee->count && it->callee->count && it->callee->variadic)
        position = it->callee->count - 1;
    if (position >= it->callee->count || !it->callee->strings[position])
        return;
    for (size_t i = begin; i < end; i = source_skip_blank(source, source_skip_token(source, i))) {
        const size_t length = source_identifier(source, i);
        const size_t parameter = length ? macro_parameter(it->macro, intern_n(source->text + i, length)) : it->macro->count;
        if (parameter < it->macro->count && !it->macro->strings[parameter])
            it->more = it->macro->strings[parameter] = true;
    }
}

/* A name in the body of a macro, which is that of a macro too; `open`: where a list of arguments would begin. */
static bool note_inner(struct macro *macro, struct macro *inner, size_t open) {
    struct passed it = { macro, inner, false };
    if (inner->pastes && !macro->pastes)
        it.more = macro->pastes = true;
    if (macro->function_like && inner->function_like && macro->source->text[open] == '(')
        macro_arguments(macro->source, open, note_passed, &it);
    return it.more;
}

/* Whether something more is known of the macro: a parameter that becomes a string, a `##`. */
static bool note_body(struct macro *macro) {
    const struct source *const source = macro->source;
    bool more = false;
    for (size_t i = source_skip_blank(source, macro->body); i < macro->end;) {
        const char *const text = source->text + i;
        const bool hash = text[0] == '#', paste = hash && text[1] == '#';
        i = source_skip_blank(source, paste ? i + 2 : hash ? i + 1 : source_skip_token(source, i));
        more |= paste && !macro->pastes;
        macro->pastes |= paste;
        const size_t length = source_identifier(source, hash ? i : (size_t)(text - source->text));
        if (!length || paste)
            continue;
        const char *const name = intern_n(hash ? source->text + i : text, length);
        const size_t parameter = macro_parameter(macro, name);
        if (hash && parameter < macro->count && !macro->strings[parameter])
            more = macro->strings[parameter] = true;
        for (size_t m = hash ? 0 : macro_first(name); m; m = macros[m - 1].next)
            more |= note_inner(macro, &macros[m - 1], i);
    }
    return more;
}

void macros_scan(const struct program *program) {
    struct map seen = { 0 };
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t i = 0; i < program->units[u].include_count; i++) {
            struct source *const source = program->units[u].includes[i];
            if (source->rel_count && map_add(&seen, key_of(source)))
                scan_source(source);
        }
    map_free(&seen);
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < macro_count; i++)
            more |= note_body(&macros[i]);
    }
}

size_t macro_first(const char *name) {
    return (size_t)(uintptr_t)map_get(&by_name, key_of(name));
}
