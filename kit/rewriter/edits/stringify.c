#include "stringify.h"

#include "input/macros.h"

struct search {
    const struct span *span;
    const char *name;
    bool seen;
};

/* The argument that the text is in, or is around. */
static void on_argument(void *context, size_t position, size_t begin, size_t end) {
    struct search *const it = context;
    if (begin > it->span->begin || it->span->begin >= end)
        return;
    for (size_t m = macro_first(it->name); m; m = macros[m - 1].next) {
        const struct macro *const macro = &macros[m - 1];
        const size_t parameter = macro->variadic && position >= macro->count ? macro->count - 1 : position;
        it->seen |= parameter < macro->count && macro->strings[parameter];
    }
}

bool stringify_sees(const struct span *span) {
    struct search it = { span, NULL, false };
    const char *const text = span->source->text;
    int depth = 0;
    if (span->kind == PLACE_FILE)
        return false;
    /* Outwards through the parentheses around it, as far as its statement goes. */
    for (size_t i = span->begin; i > 0 && !it.seen; i--) {
        const char c = text[i - 1];
        if (c == ')')
            depth++;
        else if (c == ';' && depth == 0)
            break;
        else if (c == '(' && --depth < 0) {
            size_t end = i - 1, begin;
            depth = 0;
            while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t'))
                end--;
            for (begin = end; begin > 0 && source_identifier(span->source, begin - 1) > 0;)
                begin--;
            it.name = intern_n(text + begin, end - begin);
            if (begin < end && macro_first(it.name))
                macro_arguments(span->source, i - 1, on_argument, &it);
        }
    }
    return it.seen;
}
