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
    struct around *const around = context;
    if (begin > around->offset || around->offset >= end)
        return;
    around->position = position;
    around->begin = begin;
    around->end = end;
    around->found = true;
}

static const char *macro_name(const struct around *around)
{
    return intern_n(around->source->text + around->name,
                    source_identifier(around->source, around->name));
}

/* The next use outwards, through the parentheses around the text as far as its statement goes;
 * `at`: where to go on from. */
static bool next_around(struct around *around, size_t *at)
{
    const char *const text = around->source->text;
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
            around->name = source_identifier_start(around->source, end);
            around->found = false;
            if (around->name < end && macro_first(around->macros, macro_name(around)))
                macro_arguments(around->source, i - 1, on_argument, around);
            *at = i - 1;
            if (around->found)
                return true;
        }
    }
    return false;
}

static unsigned roles_around(const struct around *around)
{
    const struct macros *const macros = around->macros;
    unsigned roles = 0;
    for (size_t m = macro_first(macros, macro_name(around)); m; m = macros->list[m - 1].next)
        roles |= macro_roles(&macros->list[m - 1], around->position);
    return roles;
}

unsigned argument_roles(const struct macros *macros, const struct span *span)
{
    struct around around = {.macros = macros, .source = span->source, .offset = span->begin};
    unsigned roles = 0;
    for (size_t at = span->begin; span->kind != PLACE_FILE && next_around(&around, &at);)
        roles |= around.begin == span->begin ? roles_around(&around)
                                             : roles_around(&around) & ROLE_STRING;
    return roles;
}

struct place argument_macro(const struct macros *macros, struct source *source, size_t offset,
                            size_t *position, size_t *end)
{
    struct around around = {.macros = macros, .source = source, .offset = offset};
    for (size_t at = offset; next_around(&around, &at);)
        if (around.begin == offset) {
            *position = around.position;
            *end = around.end;
            return (struct place){source, around.name, PLACE_FILE};
        }
    return (struct place){0};
}
