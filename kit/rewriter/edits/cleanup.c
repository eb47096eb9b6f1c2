#include "cleanup.h"

#include <string.h>

#include "edits.h"
#include "input/macros.h"

#define MACROS_DEEP 8

/* `cleanup(NAME)` at an offset: where the name is, 0 if it is something else; `end`: after the
 * bracket. */
static size_t name_in_attribute(const struct source *source, size_t offset, size_t *end)
{
    static const char *const words[] = {"cleanup", "__cleanup__", NULL};
    if (!source_is_any_word(source, offset, words))
        return 0;
    const size_t open = source_skip_blank(source, offset + source_identifier(source, offset)),
                 name = source_skip_blank(source, open + 1);
    *end = source_skip_brackets(source, open);
    const size_t after = source_skip_blank(source, name + source_identifier(source, name));
    return *end && source_identifier(source, name) && after + 1 == *end ? name : 0;
}

/* An argument of a macro's use, as a name. */
struct wanted {
    const struct source *source;
    size_t position;
    const char *name;
};

static void take_wanted(void *context, size_t position, size_t begin, size_t end)
{
    struct wanted *const wanted = context;
    if (position == wanted->position && source_identifier(wanted->source, begin) == end - begin)
        wanted->name = intern_n(wanted->source->text + begin, end - begin);
}

static const char *function_of_use(const struct macros *macros, const struct source *source,
                                   size_t use, size_t *end, unsigned depth);

/* What the body of a macro, which is an attribute or the use of another macro, has as its function;
 * a name, perhaps a parameter. */
static const char *function_of_body(const struct macros *macros, const struct macro *macro,
                                    unsigned depth)
{
    const struct source *const source = macro->source;
    static const char *const words[] = {"__attribute__", "__attribute", NULL};
    const size_t begin = source_skip_blank(source, macro->body);
    size_t end = 0;
    const char *function = NULL;
    if (source_is_any_word(source, begin, words)) {
        const size_t open = source_skip_blank(source, begin + source_identifier(source, begin)),
                     second = source_skip_blank(source, open + 1);
        size_t after = 0;
        const size_t name =
            source->text[second] == '('
                ? name_in_attribute(source, source_skip_blank(source, second + 1), &after)
                : 0;
        end = source_skip_brackets(source, open);
        if (name && source->text[source_skip_blank(source, after)] == ')')
            function = intern_n(source->text + name, source_identifier(source, name));
    }
    if (!end)
        function = function_of_use(macros, source, begin, &end, depth + 1);
    return function && source_ends_macro_body(source, end) ? function : NULL;
}

/* The function of the attribute that the macro makes which is used at `use`. */
static const char *function_of_use(const struct macros *macros, const struct source *source,
                                   size_t use, size_t *end, unsigned depth)
{
    const size_t length = source_identifier(source, use),
                 first = macro_first(macros, intern_n(source->text + use, length));
    if (!first || macros->list[first - 1].next || depth > MACROS_DEEP)
        return NULL;
    const struct macro *const macro = &macros->list[first - 1];
    const char *const function = function_of_body(macros, macro, depth);
    *end = use + length;
    if (!function || !macro->function_like)
        return function;
    struct wanted wanted = {source, macro_parameter(macro, function), NULL};
    *end = macro_arguments(source, source_skip_blank(source, use + length), take_wanted, &wanted);
    return !*end ? NULL : wanted.position < macro->count ? wanted.name : function;
}

struct search {
    struct unit *unit;
    struct cleanup *found;
};

static enum CXChildVisitResult find_cleanup(struct cursor child, struct cursor parent, void *data)
{
    const struct search *const search = data;
    (void)parent;
    if (!clang_isAttribute(cursor_kind(child)))
        return CXChildVisit_Continue;
    struct cleanup *const found = search->found;
    struct place place = place_of(search->unit, cursor_location(child));
    size_t end = 0;
    if (!place.source)
        return CXChildVisit_Continue;
    const size_t name = name_in_attribute(place.source, place.offset, &end);
    if (!name)
        return CXChildVisit_Continue;
    found->macro = place.kind != PLACE_FILE;
    found->function = intern_n(place.source->text + name, source_identifier(place.source, name));
    if (found->macro) {
        place = place_in_file(search->unit, cursor_location(child));
        found->function = place.source ? function_of_use(search->unit->program->macros,
                                                         place.source, place.offset, &end, 0)
                                       : NULL;
    }
    found->attribute = (struct span){place.source, place.offset, end, PLACE_FILE};
    return CXChildVisit_Break;
}

bool cleanup_of(struct unit *unit, struct cursor variable, struct cleanup *cleanup)
{
    struct search search = {unit, cleanup};
    return cursor_visit(variable, find_cleanup, &search) && cleanup->function;
}

bool cleanup_is(struct unit *unit, struct cursor attribute, const struct cleanup *cleanup)
{
    const struct place place = place_in_file(unit, cursor_location(attribute));
    return place.source == cleanup->attribute.source && place.offset == cleanup->attribute.begin;
}

bool cleanup_rewrite(struct edits *edits, const struct cleanup *cleanup, struct source *source,
                     size_t begin, size_t end, const char *pointer, struct cursor cause)
{
    const size_t equals = source_skip_blank(source, end);
    const size_t semicolon =
        source->text[equals] != '='
            ? equals
            : source_skip_blank(
                  source, source_initializer_end(source, source_skip_blank(source, equals + 1)));
    size_t before = begin;
    while (before > 0 && strchr(" \t\r\n", source->text[before - 1]))
        before--;
    if (source->text[semicolon] != ';' || (before > 0 && source->text[before - 1] == '(') ||
        cleanup->attribute.source != source)
        return false;
    for (size_t i = begin; i < end; i = source_skip_blank(source, source_skip_token(source, i))) {
        const size_t after = source_skip_brackets(source, i);
        if (source->text[i] == ',')
            return false;
        i = after ? after - 1 : i;
    }
    edit_wrap(edits, &cleanup->attribute, EDIT_REPLACE,
              cleanup->macro ? "__attribute__((unused))" : "unused", "", cause);
    edit_insert(edits, source, semicolon + 1,
                intern_format(" IA2_SHARED_CLEANUP(%s, %s);", pointer, cleanup->function), cause);
    return true;
}
