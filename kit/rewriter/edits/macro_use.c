#include "macro_use.h"

#include "base/intern.h"

/* A use of a macro around some text, and the argument that the text is in, or is around. */
struct around {
    const struct macros *macros;
    struct source *source;
    size_t offset, name, position, begin, end;
    bool found;
};

static void on_argument(void *context, size_t position, size_t begin, size_t end)
{
    struct around *const it = context;
    if (begin > it->offset || it->offset >= end)
        return;
    it->position = position;
    it->begin = begin;
    it->end = end;
    it->found = true;
}

static const char *macro_name(const struct around *it)
{
    return intern_n(it->source->text + it->name, source_identifier(it->source, it->name));
}

/* The next use outwards, through the parentheses around the text as far as its statement goes;
 * `at`: where to go on from. */
static bool next_around(struct around *it, size_t *at)
{
    const char *const text = it->source->text;
    int depth = 0;
    for (size_t i = *at; i > 0; i--) {
        const char c = text[i - 1];
        if (c == ')')
            depth++;
        else if (c == ';' && depth == 0)
            break;
        else if (c == '(' && --depth < 0) {
            size_t end = i - 1;
            depth = 0;
            while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t'))
                end--;
            it->name = source_identifier_start(it->source, end);
            it->found = false;
            if (it->name < end && macro_first(it->macros, macro_name(it)))
                macro_arguments(it->source, i - 1, on_argument, it);
            *at = i - 1;
            if (it->found)
                return true;
        }
    }
    return false;
}

static unsigned roles_around(const struct around *it)
{
    const struct macros *const macros = it->macros;
    unsigned roles = 0;
    for (size_t m = macro_first(macros, macro_name(it)); m; m = macros->list[m - 1].next)
        roles |= macro_roles(&macros->list[m - 1], it->position);
    return roles;
}

unsigned argument_roles(const struct macros *macros, const struct span *span)
{
    struct around it = {.macros = macros, .source = span->source, .offset = span->begin};
    unsigned roles = 0;
    for (size_t at = span->begin; span->kind != PLACE_FILE && next_around(&it, &at);)
        roles |= it.begin == span->begin ? roles_around(&it) : roles_around(&it) & ROLE_STRING;
    return roles;
}

struct place argument_macro(const struct macros *macros, struct source *source, size_t offset,
                            size_t *position, size_t *end)
{
    struct around it = {.macros = macros, .source = source, .offset = offset};
    for (size_t at = offset; next_around(&it, &at);)
        if (it.begin == offset) {
            *position = it.position;
            *end = it.end;
            return (struct place){source, it.name, PLACE_FILE};
        }
    return (struct place){0};
}
