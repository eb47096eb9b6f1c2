#include "pasted.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "edits.h"
#include "macro_use.h"

/* A chain of `##` in the body of a macro, and what it makes in one use of the macro; `declared`: a
 * name that is declared there. */
typedef void found_chain(void *context, const struct span *span, const char *name, bool declared);

struct expansion {
    const struct program *program;
    const struct macro *macro;
    const char **arguments; /* texts */
    size_t count;
    unsigned depth;
    found_chain *found;
    void *context;
};

/* What a name that a chain makes stands for, by file and name. */
struct meaning {
    struct source *source;
    const char *name, *text;
};

struct pasted_names {
    struct map chains; /* set of the places of those that are rewritten, and of parameters that are
                          marked like them */
    struct map requested; /* set of cursors that the requests are for */
    struct map refused; /* set of uses */
    struct meaning *meanings;
    size_t count, capacity;
};

void pasted_begin(struct program *program)
{
    program->pasted = must_alloc(sizeof(*program->pasted));
}

static void search(const struct expansion *use, const char *name, const char **arguments,
                   size_t count);

/* The text that a token of the body becomes, as far as parameters go. */
static const char *substituted(const struct expansion *expansion, size_t offset, size_t length)
{
    const char *const token = intern_n(expansion->macro->source->text + offset, length);
    const size_t parameter = macro_parameter(expansion->macro, token);
    return parameter < expansion->macro->count
               ? parameter < expansion->count ? expansion->arguments[parameter] : ""
               : token;
}

/* The offset after `##`, if that is what follows, else 0. */
static size_t after_paste(const struct source *source, size_t offset)
{
    offset = source_skip_blank(source, offset);
    return source->text[offset] == '#' && source->text[offset + 1] == '#'
               ? source_skip_blank(source, offset + 2)
               : 0;
}

/* The text of the chain of tokens at `*at`, which becomes the offset after it. */
static const char *read_chain(const struct expansion *expansion, size_t *at, bool *pasted)
{
    const struct source *const source = expansion->macro->source;
    struct text text = {0};
    size_t end = source_skip_token(source, *at), next;
    text_puts(&text, substituted(expansion, *at, end - *at));
    *pasted = false;
    while ((next = after_paste(source, end)) && next < expansion->macro->end) {
        *pasted = true;
        end = source_skip_token(source, next);
        text_puts(&text, substituted(expansion, next, end - next));
    }
    *at = end;
    const char *const result = intern(text.data ? text.data : "");
    free(text.data);
    return result;
}

/* The arguments of a macro's use. */
struct arguments {
    const struct source *source;
    const struct expansion *outer; /* in whose body it is; NULL: in a file */
    const char **texts;
    size_t count, capacity;
};

static void read_argument(void *context, size_t position, size_t begin, size_t end)
{
    struct arguments *const arguments = context;
    struct text text = {0};
    (void)position;
    if (!arguments->outer)
        text_add(&text, arguments->source->text + begin, end - begin);
    for (size_t i = begin; arguments->outer && i < end;
         i = source_skip_blank(arguments->source, i)) {
        bool pasted;
        text_puts(&text, i > begin ? " " : "");
        text_puts(&text, read_chain(arguments->outer, &i, &pasted));
    }
    *PUSH(arguments->texts, arguments->count, arguments->capacity) =
        intern(text.data ? text.data : "");
    free(text.data);
}

/* A macro that is used in the body of the one at hand. */
static void search_inner(const struct expansion *expansion, const char *name, size_t after)
{
    const struct source *const source = expansion->macro->source;
    struct arguments inner = {.source = source, .outer = expansion};
    const size_t open = source_skip_blank(source, after);
    if (!macro_first(expansion->program->macros, name))
        return;
    if (open < expansion->macro->end && source->text[open] == '(')
        macro_arguments(source, open, read_argument, &inner);
    if (open >= expansion->macro->end && !expansion->macro->function_like) /* `#define f g` */
        search(expansion, name, expansion->arguments, expansion->count);
    else
        search(expansion, name, inner.texts, inner.count);
    free(inner.texts);
}

/* A name after a type or a `*` is being declared. */
static bool is_declared(const struct source *source, size_t body, size_t offset)
{
    while (offset > body && strchr(" \t\\\n", source->text[offset - 1]))
        offset--;
    const size_t begin = source_identifier_start(source, offset);
    if (begin < offset)
        return !source_is_word(source, begin, "return");
    return offset > body && source->text[offset - 1] == '*';
}

static void search_body(const struct expansion *expansion)
{
    struct source *const source = expansion->macro->source;
    for (size_t i = source_skip_blank(source, expansion->macro->body); i < expansion->macro->end;
         i = source_skip_blank(source, i)) {
        const size_t begin = i;
        bool pasted;
        const char *const text = read_chain(expansion, &i, &pasted);
        const struct span span = {source, begin, i, PLACE_BODY};
        if (pasted || map_get(&expansion->program->pasted->chains, span_key(&span)))
            expansion->found(expansion->context, &span, text,
                             is_declared(source, expansion->macro->body, begin));
        if (source_identifier(source, begin))
            search_inner(expansion, text, i);
    }
}

static bool name_pastes(const struct macros *macros, const char *name)
{
    for (size_t m = macro_first(macros, name); m; m = macros->list[m - 1].next)
        if (macros->list[m - 1].pastes)
            return true;
    return false;
}

/* Whether there may be a chain at all: in the bodies, or in those of a macro that is an argument.
 */
static bool may_paste(const struct macros *macros, const char *name, const char **arguments,
                      size_t count)
{
    bool found = name_pastes(macros, name);
    for (size_t i = 0; !found && i < count; i++)
        found = name_pastes(macros, arguments[i]);
    return found;
}

static void search(const struct expansion *use, const char *name, const char **arguments,
                   size_t count)
{
    const struct macros *const macros = use->program->macros;
    if (use->depth > 20 || !may_paste(macros, name, arguments, count))
        return;
    for (size_t m = macro_first(macros, name); m; m = macros->list[m - 1].next) {
        struct expansion expansion = {.program = use->program,
                                      .macro = &macros->list[m - 1],
                                      .arguments = arguments,
                                      .count = count,
                                      .depth = use->depth + 1,
                                      .found = use->found,
                                      .context = use->context};
        if (expansion.macro->source->rel_count && expansion.macro != use->macro &&
            (count || !expansion.macro->function_like))
            search_body(&expansion);
    }
}

/* Calls `found` for each chain of the macro's use at a place in a file. */
static void search_place(const struct program *program, const struct place *use, found_chain *found,
                         void *context)
{
    struct arguments arguments = {.source = use->source};
    const struct expansion none = {.program = program, .found = found, .context = context};
    const size_t length = source_identifier(use->source, use->offset),
                 open = source_skip_blank(use->source, use->offset + length);
    const char *const name = intern_n(use->source->text + use->offset, length);
    if (!length || !macro_first(program->macros, name))
        return;
    if (use->source->text[open] == '(')
        macro_arguments(use->source, open, read_argument, &arguments);
    search(&none, name, arguments.texts, arguments.count);
    free(arguments.texts);
}

/* The same for the use that a token comes from: where its text is an argument, that may be the name
 * of a macro that another one uses. */
static void search_use(struct unit *unit, struct location location, found_chain *found,
                       void *context)
{
    const struct spots spots = location_spots(location);
    const struct place seen = place_in_file(unit, location);
    const struct place outermost = {unit_source(unit, spots.expansion.file), spots.expansion.offset,
                                    PLACE_FILE};
    if (seen.source)
        search_place(unit->program, &seen, found, context);
    if (outermost.source && (outermost.source != seen.source || outermost.offset != seen.offset))
        search_place(unit->program, &outermost, found, context);
}

struct wanted {
    struct program *program;
    const char *name, *text;
    struct cursor cause;
    struct span *span;
    bool found, declared;
};

static void match(void *context, const struct span *span, const char *name, bool declared)
{
    struct wanted *const wanted = context;
    if (name != wanted->name)
        return;
    wanted->declared |= declared;
    if (!declared && !wanted->found) {
        *wanted->span = *span;
        wanted->found = true;
    }
}

bool pasted_span(struct unit *unit, struct cursor cursor, const char *name, struct span *span)
{
    const struct location location = cursor_location(cursor);
    struct wanted wanted = {.program = unit->program, .name = name, .span = span};
    if (!place_of(unit, location).source)
        search_use(unit, location, match, &wanted);
    return wanted.found;
}

/* False if the name already stands for something else in this file. */
static bool mean(struct program *program, struct source *source, const char *name, const char *text,
                 bool weak)
{
    struct pasted_names *const pasted = program->pasted;
    for (size_t i = 0; i < pasted->count; i++)
        if (pasted->meanings[i].source == source && pasted->meanings[i].name == name)
            return weak || pasted->meanings[i].text == text;
    *PUSH(pasted->meanings, pasted->count, pasted->capacity) = (struct meaning){source, name, text};
    edit_declare(program->edits, source, intern_format("#define ia2_pasted_%s %s", name, text));
    return true;
}

static const char *meaning_of(const struct pasted_names *pasted, const struct source *source,
                              const char *name)
{
    for (size_t i = 0; i < pasted->count; i++)
        if (pasted->meanings[i].source == source && pasted->meanings[i].name == name)
            return pasted->meanings[i].text;
    return name;
}

static void rewrite(struct program *program, const struct span *span, const char *name,
                    const char *text, struct cursor cause)
{
    map_add(&program->pasted->chains, span_key(span));
    map_add(&program->pasted->requested, cursor_key(cause));
    edit_wrap(program->edits, span, EDIT_NAME, "IA2_PASTED(", ")", cause);
    if (!mean(program, span->source, name, intern(text), false))
        refuse_at(cause, intern_format("address of %s", name),
                  "a macro puts the name together for different functions",
                  "write the function's name out, or pass it to the macro as an argument");
}

void pasted_mark(struct program *program, const struct span *span, const char *name,
                 const char *text, struct cursor cursor)
{
    rewrite(program, span, name, text, cursor);
}

static void rewrite_match(void *context, const struct span *span, const char *name, bool declared)
{
    const struct wanted *const wanted = context;
    if (name != wanted->name || declared)
        return;
    rewrite(wanted->program, span, name, wanted->text, wanted->cause);
}

void pasted_rewrite(struct unit *unit, struct cursor cursor, const char *name, const char *text)
{
    struct wanted wanted = {
        .program = unit->program, .name = name, .text = intern(text), .cause = cursor};
    search_use(unit, cursor_location(cursor), rewrite_match, &wanted);
}

static bool is_parameter(const struct span *span)
{
    return source_identifier(span->source, span->begin) == span->end - span->begin;
}

/* The name that a text begins with. */
static const char *first_name(const char *text)
{
    const struct source source = {.text = text, .size = strlen(text)};
    return intern_n(text, source_identifier(&source, 0));
}

static void refuse_argument(struct program *program, struct cursor cursor, const char *text)
{
    const struct spot use = location_spots(cursor_location(cursor)).expansion;
    if (map_add(&program->pasted->refused,
                key_of(intern_format("%p %u %u", (const void *)cursor.tree, use.file, use.offset))))
        refuse_at(cursor, intern_format("argument %s of a macro", text),
                  "for another use of the macro its body is rewritten to take the name of a "
                  "function or variable here",
                  "expand the macro by hand, or give it the name of a variable");
}

static void keep_name(void *context, const struct span *span, const char *text, bool declared)
{
    const struct wanted *const wanted = context;
    struct program *const program = wanted->program;
    const char *const name = first_name(text);
    (void)declared;
    if (!map_get(&program->pasted->chains, span_key(span)))
        return;
    if (is_parameter(span) &&
        (!*name || macro_first(program->macros, name) || name == intern("NULL")))
        refuse_argument(program, wanted->cause, text);
    else if (*name)
        mean(program, span->source, name, name, true);
}

/* What else has the name, in an argument of the same macro. */
static void check_meaning(void *context, const struct span *span, const char *text, bool declared)
{
    const struct wanted *const wanted = context;
    (void)declared;
    if (map_get(&wanted->program->pasted->chains, span_key(span)) &&
        first_name(text) == wanted->name &&
        meaning_of(wanted->program->pasted, span->source, wanted->name) != wanted->name)
        edit_veto(wanted->program->edits, span, EDIT_NAME, wanted->cause);
}

static bool means_something(const struct pasted_names *pasted, const char *name)
{
    for (size_t i = 0; i < pasted->count; i++)
        if (pasted->meanings[i].name == name && pasted->meanings[i].text != name)
            return true;
    return false;
}

static void check_argument(struct unit *unit, struct cursor cursor, const struct place *at)
{
    const struct wanted wanted = {
        .program = unit->program, .name = cursor_name(cursor), .cause = cursor};
    size_t position, end;
    if ((at->source && at->kind != PLACE_ARG) ||
        map_get(&unit->program->pasted->requested, cursor_key(cursor)) ||
        !means_something(unit->program->pasted, wanted.name))
        return;
    if (!at->source) { /* a function has no other meaning, and may be called by its gate */
        if (cursor_kind(cursor_referenced(cursor)) != CXCursor_FunctionDecl)
            search_use(unit, cursor_location(cursor), check_meaning, (void *)&wanted);
        return;
    }
    const struct place use =
        argument_macro(unit->program->macros, at->source, at->offset, &position, &end);
    if (use.source)
        search_place(unit->program, &use, check_meaning, (void *)&wanted);
}

/* The text that declares a function must not be taken for its value. */
static void check_declaration(struct unit *unit, struct cursor function)
{
    struct span span;
    struct wanted wanted = {.program = unit->program, .name = cursor_name(function), .span = &span};
    if (!place_of(unit, cursor_location(function)).source)
        search_use(unit, cursor_location(function), match, &wanted);
    if (wanted.found && !wanted.declared &&
        map_get(&unit->program->pasted->chains, span_key(&span)))
        edit_veto(unit->program->edits, &span, EDIT_NAME, function);
}

struct visit {
    struct unit *unit;
    struct place last;
};

static enum CXChildVisitResult on_cursor(struct cursor cursor, struct cursor parent, void *data)
{
    struct visit *const visit = data;
    const struct location location = cursor_location(cursor);
    const struct place at = place_of(visit->unit, location);
    (void)parent;
    if (at.source && at.kind == PLACE_FILE)
        return CXChildVisit_Recurse;
    if (cursor_kind(cursor) == CXCursor_DeclRefExpr)
        check_argument(visit->unit, cursor, &at);
    const struct place use = place_in_file(visit->unit, location);
    if (use.source && cursor_kind(cursor) == CXCursor_FunctionDecl)
        check_declaration(visit->unit, cursor);
    if (!use.source || (use.source == visit->last.source && use.offset == visit->last.offset))
        return CXChildVisit_Recurse;
    visit->last = use;
    search_use(visit->unit, location, keep_name,
               &(struct wanted){.program = visit->unit->program, .cause = cursor});
    return CXChildVisit_Recurse;
}

static bool reads_chain(const struct unit *unit)
{
    const struct pasted_names *const pasted = unit->program->pasted;
    for (size_t i = 0; i < pasted->count; i++)
        if (unit_reads(unit, pasted->meanings[i].source))
            return true;
    return false;
}

void pasted_declare(struct program *program)
{
    const struct map *const chains = &program->pasted->chains;
    if (chains->used)
        macros_spread_roles(program->macros); /* others name the macros with marked parameters */
    for (size_t u = 0; chains->used && u < program->unit_count; u++) {
        struct visit visit = {&program->units[u], {0}};
        if (reads_chain(visit.unit))
            cursor_visit(tree_root(visit.unit->tree), on_cursor, &visit);
    }
}
