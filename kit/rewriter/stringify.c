#include "stringify.h"

#include <stdlib.h>
#include <string.h>

#include "intern.h"

struct macro {
    const char *name;
    const struct source *source;
    size_t begin, end;   /* of its body */
};

static struct macro *macros;
static size_t macro_count, macro_capacity;
static struct map stringifying;   /* set of names */
static bool scanned;

static size_t end_of_line(const struct source *source, size_t offset) {
    while (offset < source->size && (source->text[offset] != '\n' || (offset > 0 && source->text[offset - 1] == '\\')))
        offset++;
    return offset;
}

/* Function-like macros: `# define NAME(PARAMETERS) BODY`. */
static void note_definition(const struct source *source, size_t offset) {
    offset = source_skip_blank(source, offset + 1);
    if (strncmp(source->text + offset, "define", 6))
        return;
    offset = source_skip_blank(source, offset + 6);
    const size_t length = source_identifier(source, offset);
    if (!length || source->text[offset + length] != '(')
        return;
    const size_t body = source_skip_brackets(source, offset + length);
    if (body)
        *PUSH(macros, macro_count, macro_capacity) =
            (struct macro) { intern_n(source->text + offset, length), source, body, end_of_line(source, body) };
}

static void scan_source(const struct source *source) {
    for (size_t line = 0; line < source->size; line = end_of_line(source, line) + 1) {
        size_t at = line;
        while (source->text[at] == ' ' || source->text[at] == '\t')
            at++;
        if (source->text[at] == '#')
            note_definition(source, at);
    }
}

static bool makes_string(const struct macro *macro) {
    for (size_t i = macro->begin; i < macro->end;) {
        const char *const text = macro->source->text + i;
        if (text[0] == '#' && text[1] == '#')
            i += 2;
        else if (text[0] == '#')
            return true;
        else
            i = source_skip_token(macro->source, i);
        const size_t length = source_identifier(macro->source, i);
        if (length && map_get(&stringifying, key_of(intern_n(macro->source->text + i, length))))
            return true;
    }
    return false;
}

static void scan(const struct program *program) {
    struct map seen = { 0 };
    for (size_t u = 0; u < program->unit_count; u++)
        for (size_t i = 0; i < program->units[u].include_count; i++) {
            const struct source *const source = program->units[u].includes[i];
            if (source->rel_count && map_add(&seen, key_of(source)))
                scan_source(source);
        }
    map_free(&seen);
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < macro_count; i++)
            if (!map_get(&stringifying, key_of(macros[i].name)) && makes_string(&macros[i]))
                more = map_add(&stringifying, key_of(macros[i].name));
    }
    scanned = true;
}

bool stringify_sees(const struct program *program, const struct span *span) {
    const char *const text = span->source->text;
    int depth = 0;
    if (!scanned)
        scan(program);
    if (!stringifying.used || span->kind == PLACE_FILE)
        return false;
    /* Outwards through the parentheses around it, as far as its statement goes. */
    for (size_t i = span->begin; i > 0; i--) {
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
            if (begin < end && map_get(&stringifying, key_of(intern_n(text + begin, end - begin))))
                return true;
        }
    }
    return false;
}
