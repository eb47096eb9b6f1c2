#include "shadows.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "edits.h"

struct shadow {
    struct span statement;
    const char *name, *macro;
    struct cursor cause;
};

/* The token before the one at hand, if that can end what stands before a statement. */
struct before {
    size_t last;
    bool head; /* it is the `)` of `if (...)` or the like */
};

static bool starts_statement(const struct source *source, const struct before *before)
{
    static const char *const words[] = {"else", "do", NULL};
    const char c = source->text[before->last];
    return c == ';' || c == '{' || c == '}' || (c == ')' && before->head) ||
           source_is_any_word(source, before->last, words);
}

/* The offset after the token at `i`. Brackets of an expression are one token, unless `target` is in
 * them; and so are the lines of directives. */
static size_t next_token(const struct source *source, size_t i, size_t target,
                         struct before *before)
{
    static const char *const heads[] = {"if", "while", "for", "switch", NULL};
    size_t line = i;
    while (line > 0 && (source->text[line - 1] == ' ' || source->text[line - 1] == '\t'))
        line--;
    if (source->text[i] == '#' && (line == 0 || source->text[line - 1] == '\n'))
        return source_line_end(source, i);
    const size_t close = source->text[i] == '(' ? source_skip_brackets(source, i) : 0;
    if (close && close <= target) {
        before->head = source_is_any_word(source, before->last, heads);
        before->last = close - 1;
        return close;
    }
    before->head = false;
    before->last = i;
    return source_skip_token(source, i);
}

/* The use of a macro at `offset`, with the semicolon, if that is a whole statement of the body that
 * begins at `open`. */
static bool statement_at(struct source *source, size_t open, size_t offset, struct span *span)
{
    struct before before = {open, false};
    size_t i = source_skip_blank(source, open + 1);
    while (i < offset)
        i = source_skip_blank(source, next_token(source, i, offset, &before));
    if (i != offset || !starts_statement(source, &before))
        return false;
    size_t end = source_skip_blank(source, offset + source_identifier(source, offset));
    end = source_skip_brackets(source, end);
    end = end ? source_skip_blank(source, end) : 0;
    if (!end || source->text[end] != ';')
        return false;
    *span = (struct span){source, offset, end + 1, PLACE_FILE};
    return true;
}

bool shadow_function(struct shadows *shadows, struct unit *unit,
                     const struct designator *designator, const struct span *span,
                     const char *macro)
{
    const struct spot use = location_spots(cursor_location(designator->reference)).expansion;
    struct source *const source = unit_source(unit, use.file);
    struct place body;
    struct shadow shadow = {
        .name = cursor_name(designator->function), .macro = macro, .cause = designator->reference};
    if (!designator->user || source != span->source || span->kind != PLACE_ARG ||
        !body_place(unit, unit->functions[designator->user - 1].cursor, &body) ||
        body.source != source || body.offset >= use.offset ||
        !statement_at(source, body.offset, use.offset, &shadow.statement) ||
        span->begin < shadow.statement.begin || span->end > shadow.statement.end)
        return false;
    *PUSH(shadows->list, shadows->count, shadows->capacity) = shadow;
    map_add(&shadows->places, span_key(span));
    edit_wrap(unit->program->edits, span, EDIT_NAME, "", "", designator->reference);
    return true;
}

/* What else has the name in the statement, a call or a member, would be the variable too. */
static void check_names(const struct shadows *shadows, const struct shadow *shadow)
{
    const struct source *const source = shadow->statement.source;
    for (size_t i = shadow->statement.begin; i < shadow->statement.end;
         i = source_skip_blank(source, source_skip_token(source, i)))
        if (intern_n(source->text + i, source_identifier(source, i)) == shadow->name &&
            !map_get(&shadows->places, text_key(source, i))) {
            refuse_at(shadow->cause, intern_format("address of %s", shadow->name),
                      "a macro makes a string of the function's name, and in the same statement "
                      "the name is used in another way",
                      "write two statements");
            return;
        }
}

static bool same_statement(const struct shadow *a, const struct shadow *b)
{
    return span_key(&a->statement) == span_key(&b->statement);
}

static int compare(const void *left, const void *right)
{
    const struct shadow *const a = left, *const b = right;
    const uint64_t x = span_key(&a->statement), y = span_key(&b->statement);
    return x != y ? (x > y) - (x < y) : strcmp(a->name, b->name);
}

void shadows_edit(struct shadows *shadows, struct program *program)
{
    const struct shadow *const list = shadows->list;
    if (shadows->count)
        qsort(shadows->list, shadows->count, sizeof(*list), compare);
    for (size_t i = 0, next; i < shadows->count; i = next) {
        struct text text = {0};
        text_puts(&text, "{ ");
        for (next = i; next < shadows->count && same_statement(&list[i], &list[next]); next++) {
            check_names(shadows, &list[next]);
            if (next == i || list[next].name != list[next - 1].name)
                text_printf(&text, "IA2_SHADOW(%s, %s(%s)); ", list[next].name, list[next].macro,
                            list[next].name);
        }
        edit_wrap(program->edits, &list[i].statement, EDIT_INITIALIZER, text.data, " }",
                  list[i].cause);
        free(text.data);
    }
    free(shadows->list);
    map_free(&shadows->places);
}
