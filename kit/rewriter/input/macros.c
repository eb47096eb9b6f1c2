#include "macros.h"

#include <string.h>

size_t macro_parameter(const struct macro *macro, const char *name)
{
    size_t i = 0;
    while (i < macro->count && macro->parameters[i] != name)
        i++;
    return i;
}

size_t macro_arguments(const struct source *source, size_t open, macro_argument *found,
                       void *context)
{
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
        depth += c == '(' ? 1 : c == ')' ? -1 : 0; /* no other bracket protects a comma */
        end = source_skip_token(source, i);
    }
    return close;
}

struct definition {
    struct macro *macro;
    struct source *source;
};

static void add_parameter(void *context, size_t position, size_t begin, size_t end)
{
    const struct definition *const definition = context;
    const char *const text = definition->source->text + begin;
    size_t length = source_identifier(definition->source, begin);
    (void)position;
    if (begin == end)
        return;
    if (length < end - begin)
        definition->macro->variadic = true;
    *PUSH(definition->macro->parameters, definition->macro->count, definition->macro->capacity) =
        length ? intern_n(text, length) : intern("__VA_ARGS__");
}

/* `# define NAME(PARAMETERS) BODY`, `# define NAME BODY`; `offset` is that of the `#`. */
static void note_definition(struct macros *macros, struct source *source, size_t offset)
{
    struct macro macro = {.source = source};
    struct definition definition = {&macro, source};
    offset = source_skip_blank(source, offset + 1);
    if (!source_is_word(source, offset, "define"))
        return;
    offset = source_skip_blank(source, offset + 6);
    const size_t length = source_identifier(source, offset);
    macro.name = intern_n(source->text + offset, length);
    macro.body = offset + length;
    macro.end = source_line_end(source, macro.body);
    macro.function_like = source->text[macro.body] == '(';
    if (macro.function_like)
        macro.body = macro_arguments(source, macro.body, add_parameter, &definition);
    if (!length || !macro.body || macro.body > macro.end)
        return;
    macro.roles = must_alloc(macro.count + 1);
    macro.next = (size_t)(uintptr_t)map_get(&macros->by_name, key_of(macro.name));
    *PUSH(macros->list, macros->count, macros->capacity) = macro;
    map_put(&macros->by_name, key_of(macro.name), (void *)(uintptr_t)macros->count);
}

static void scan_source(struct macros *macros, struct source *source)
{
    for (size_t line = 0; line < source->size; line = source_line_end(source, line) + 1) {
        size_t at = line;
        while (source->text[at] == ' ' || source->text[at] == '\t')
            at++;
        if (source->text[at] == '#')
            note_definition(macros, source, at);
    }
}

/* The offset after the token before `offset`, in a macro's body. */
static size_t before(const struct macro *macro, size_t offset)
{
    while (offset > macro->body && strchr(" \t\r\n\\", macro->source->text[offset - 1]))
        offset--;
    return offset;
}

static bool names_tag_or_label(const struct macro *macro, size_t end)
{
    static const char *const words[] = {"struct", "union", "enum", "goto"};
    const size_t begin = source_identifier_start(macro->source, end);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (begin < end && source_is_word(macro->source, begin, words[i]))
            return true;
    return false;
}

unsigned macro_role(const struct macro *macro, size_t offset)
{
    const char *const text = macro->source->text;
    const size_t end = before(macro, offset), length = end - macro->body;
    const size_t next = source_skip_blank(macro->source, source_skip_token(macro->source, offset));
    const char last = length ? text[end - 1] : 0, second = length > 1 ? text[end - 2] : 0;
    if ((last == '#' && second == '#') ||
        (next < macro->end && text[next] == '#' && text[next + 1] == '#'))
        return ROLE_NAME;
    if (last == '#')
        return ROLE_STRING;
    return (last == '.' && second != '.') || (last == '>' && second == '-') ||
                   names_tag_or_label(macro, end)
               ? ROLE_NAME
               : 0;
}

unsigned macro_roles(const struct macro *macro, size_t position)
{
    if (position >= macro->count && macro->count && macro->variadic)
        position = macro->count - 1;
    return position < macro->count ? macro->roles[position] : 0;
}

/* False if that was known. */
static bool add_roles(struct macro *macro, size_t parameter, unsigned roles)
{
    const unsigned char known = macro->roles[parameter];
    macro->roles[parameter] |= (unsigned char)roles;
    return macro->roles[parameter] != known;
}

struct passed {
    struct macro *macro;
    const struct macro *callee;
    bool more;
};

/* An argument that a macro passes on: it goes for a name if it is first. */
static void note_passed(void *context, size_t position, size_t begin, size_t end)
{
    struct passed *const passed = context;
    const struct source *const source = passed->macro->source;
    const unsigned roles = macro_roles(passed->callee, position);
    for (size_t i = begin; roles && i < end;
         i = source_skip_blank(source, source_skip_token(source, i))) {
        const size_t length = source_identifier(source, i);
        const size_t parameter =
            length ? macro_parameter(passed->macro, intern_n(source->text + i, length))
                   : passed->macro->count;
        if (parameter < passed->macro->count)
            passed->more |=
                add_roles(passed->macro, parameter, i == begin ? roles : roles & ROLE_STRING);
    }
}

/* A name in the body of a macro, which is that of a macro too; `open`: where a list of arguments
 * would begin. */
static bool note_inner(struct macro *macro, struct macro *inner, size_t open)
{
    struct passed passed = {macro, inner, inner->pastes && !macro->pastes};
    macro->pastes |= inner->pastes;
    if (macro->function_like && inner->function_like && macro->source->text[open] == '(')
        macro_arguments(macro->source, open, note_passed, &passed);
    return passed.more;
}

/* Whether something more is known of the macro: of a parameter, or that there is a `##`. */
static bool note_body(struct macros *macros, struct macro *macro)
{
    const struct source *const source = macro->source;
    bool more = false;
    for (size_t i = source_skip_blank(source, macro->body), next; i < macro->end; i = next) {
        const char *const text = source->text + i;
        const size_t length = source_identifier(source, i);
        next = source_skip_blank(source, source_skip_token(source, i));
        if (text[0] == '#' && text[1] == '#') {
            more |= !macro->pastes;
            macro->pastes = true;
        }
        if (!length)
            continue;
        const char *const name = intern_n(text, length);
        const size_t parameter = macro_parameter(macro, name);
        const unsigned role = macro_role(macro, i);
        if (parameter < macro->count)
            more |= add_roles(macro, parameter, role);
        for (size_t m = role & ROLE_STRING ? 0 : macro_first(macros, name); m;
             m = macros->list[m - 1].next)
            more |= note_inner(macro, &macros->list[m - 1], next);
    }
    return more;
}

void macros_spread_roles(struct macros *macros)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < macros->count; i++)
            more |= note_body(macros, &macros->list[i]);
    }
}

struct macros *macros_scan(struct source *const *sources, size_t count)
{
    struct macros *const macros = must_alloc(sizeof(*macros));
    for (size_t i = 0; i < count; i++)
        scan_source(macros, sources[i]);
    macros_spread_roles(macros);
    return macros;
}

size_t macro_first(const struct macros *macros, const char *name)
{
    return (size_t)(uintptr_t)map_get(&macros->by_name, key_of(name));
}
