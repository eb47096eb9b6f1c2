#include "argument.h"

#include <stdlib.h>

#include "base/intern.h"
#include "edits.h"
#include "macro_use.h"
#include "pasted.h"

/* The uses of a parameter's value in a macro's body. */
struct marks {
    struct unit *unit;
    struct macro *macro;
    const char *parameter, *name, *text;
    struct cursor cursor;
    size_t *elsewhere; /* offsets of what an inner macro marks, or makes a string of */
    size_t count, capacity, depth;
    struct macro *inner;
};

static void mark_macro(const struct marks *outer, struct macro *macro, size_t position);

static void mark_inner(void *context, size_t position, size_t begin, size_t end)
{
    struct marks *const marks = context;
    const struct source *const source = marks->macro->source;
    const unsigned roles = macro_roles(marks->inner, position);
    for (size_t i = begin; roles && i < end;
         i = source_skip_blank(source, source_skip_token(source, i))) {
        if (intern_n(source->text + i, source_identifier(source, i)) != marks->parameter ||
            (i > begin && !(roles & ROLE_STRING)))
            continue;
        *PUSH(marks->elsewhere, marks->count, marks->capacity) = i;
        if (i == begin)
            mark_macro(marks, marks->inner, position);
    }
}

static bool is_elsewhere(const struct marks *marks, size_t offset)
{
    for (size_t i = 0; i < marks->count; i++)
        if (marks->elsewhere[i] == offset)
            return true;
    return false;
}

static void mark_body(struct marks *marks)
{
    const struct macros *const macros = marks->unit->program->macros;
    struct source *const source = marks->macro->source;
    for (size_t i = source_skip_blank(source, marks->macro->body), next; i < marks->macro->end;
         i = next) {
        const size_t length = source_identifier(source, i);
        const char *const name = length ? intern_n(source->text + i, length) : "";
        next = source_skip_blank(source, source_skip_token(source, i));
        const struct span span = {source, i, i + length, PLACE_BODY};
        if (name == marks->parameter && !macro_role(marks->macro, i) && !is_elsewhere(marks, i))
            pasted_mark(marks->unit->program, &span, marks->name, marks->text, marks->cursor);
        for (size_t m = source->text[next] == '(' && length ? macro_first(macros, name) : 0; m;
             m = macros->list[m - 1].next) {
            marks->inner = &macros->list[m - 1];
            macro_arguments(source, next, mark_inner, marks);
        }
    }
}

static void mark_macro(const struct marks *outer, struct macro *macro, size_t position)
{
    if (position >= macro->count || !macro->source->rel_count ||
        !unit_reads(outer->unit, macro->source) || outer->depth > 20)
        return;
    struct marks marks = {.unit = outer->unit,
                          .macro = macro,
                          .parameter = macro->parameters[position],
                          .name = outer->name,
                          .text = outer->text,
                          .cursor = outer->cursor,
                          .depth = outer->depth + 1};
    mark_body(&marks);
    macro->pastes = true;
    free(marks.elsewhere);
}

bool argument_rewrite(struct unit *unit, const struct span *span, unsigned roles, const char *name,
                      const char *text, struct cursor cursor)
{
    const struct macros *const macros = unit->program->macros;
    size_t position, end;
    const struct place use =
        span->kind == PLACE_ARG ? argument_macro(macros, span->source, span->begin, &position, &end)
                                : (struct place){0};
    if (!use.source)
        return false;
    const struct marks none = {.unit = unit, .name = name, .text = text, .cursor = cursor};
    const size_t first = macro_first(
        macros, intern_n(use.source->text + use.offset, source_identifier(use.source, use.offset)));
    unsigned found = 0;
    for (size_t m = first; m; m = macros->list[m - 1].next)
        found |= macro_roles(&macros->list[m - 1], position);
    /* A string may be made of more than a name. */
    if (!(found & roles) || (!(found & ROLE_NAME) && end > span->end))
        return false;
    for (size_t m = first; m; m = macros->list[m - 1].next)
        mark_macro(&none, &macros->list[m - 1], position);
    edit_wrap(unit->program->edits, span, EDIT_NAME, "", "",
              cursor); /* it keeps its text, for all that have it */
    return true;
}
