#include "span.h"

#include <string.h>

#include "input/macros.h"
#include "base/intern.h"
#include "program.h"

/* A file's offsets are below 2^40. */
uint64_t text_key(const struct source *source, size_t offset)
{
    return key_of(source) * 1099511628211ull ^ (uint64_t)offset;
}

uint64_t span_key(const struct span *span)
{
    return text_key(span->source, span->begin);
}

bool span_of_name(struct unit *unit, struct cursor cursor, const char *name, struct span *span)
{
    const struct place place = place_of(unit, cursor_location(cursor));
    const size_t length = strlen(name);
    if (!place.source || source_identifier(place.source, place.offset) != length ||
        strncmp(place.source->text + place.offset, name, length))
        return false;
    *span = (struct span){place.source, place.offset, place.offset + length, place.kind};
    return true;
}

/* The type may come from a macro; then the declarator starts at its name for all that matters here.
 */
size_t declarator_end(struct unit *unit, struct cursor variable, const struct span *name)
{
    const struct place start = place_of(unit, cursor_begin(variable));
    const bool in_text = start.kind == PLACE_FILE && start.source == name->source;
    return source_declarator_end(name->source, in_text ? start.offset : name->begin, name->end);
}

/* An expression wholly in the body of a macro: libclang reports the end of the macro's use instead
 * of the expression's own end, so only expressions that end in a name are handled. */
static bool span_in_body(struct unit *unit, struct cursor expression, struct place begin,
                         struct span *span)
{
    const struct cursor inner = strip_implicit(expression);
    const enum CXCursorKind kind = cursor_kind(inner);
    struct span name;
    if ((kind != CXCursor_DeclRefExpr && kind != CXCursor_MemberRefExpr) ||
        cursor_begin(inner).at != cursor_begin(expression).at ||
        !span_of_name(unit, inner, cursor_name(inner), &name) || name.kind != PLACE_BODY ||
        name.source != begin.source || name.begin < begin.offset)
        return false;
    *span = (struct span){begin.source, begin.offset, name.end, PLACE_BODY};
    return source_is_one_argument(span->source, span->begin, span->end);
}

/* `p->member` in the body of a macro whose parameter p is: the argument's text is elsewhere, the
 * body has the expression all the same. */
static bool span_from_parameter(struct unit *unit, struct cursor expression, struct span *span)
{
    struct cursor inner = strip_implicit(expression);
    struct span name, left;
    if (cursor_kind(inner) != CXCursor_MemberRefExpr ||
        !span_of_name(unit, inner, cursor_name(inner), &name) || name.kind != PLACE_BODY)
        return false;
    left = name;
    for (struct cursor base = strip_implicit(first_child(inner));
         cursor_kind(base) == CXCursor_MemberRefExpr; base = strip_implicit(first_child(base))) {
        struct span member;
        if (!span_of_name(unit, base, cursor_name(base), &member) || member.source != name.source ||
            member.begin >= left.begin)
            break;
        if (member.kind == PLACE_BODY)
            left = member;
    }
    size_t begin;
    if (!source_parameter_before_member(name.source, left.begin, &begin))
        return false;
    *span = (struct span){name.source, begin, name.end, PLACE_BODY};
    return source_is_one_argument(span->source, span->begin, span->end);
}

/* libclang extends an expression that ends in a macro to the end of the macro's use, but the macro
 * may go on with something else. */
static bool ends_with_expression(struct unit *unit, struct cursor expression, struct source *source,
                                 size_t end)
{
    expression = as_written(expression);
    switch (cursor_kind(expression)) {
    case CXCursor_DeclRefExpr:
    case CXCursor_MemberRefExpr: {
        const char *const name = cursor_name(expression);
        const size_t length = strlen(name);
        if (end >= length && !strncmp(source->text + end - length, name, length))
            return true;
        const struct place place = place_of(unit, cursor_location(expression));
        return place.source && place.kind == PLACE_BODY &&
               source_ends_macro_body(place.source, place.offset + length);
    }
    case CXCursor_ArraySubscriptExpr:
        return source->text[end - 1] == ']';
    case CXCursor_CallExpr:
    case CXCursor_ParenExpr:
        return source->text[end - 1] == ')';
    default:
        return true;
    }
}

static bool ends_with_bracket(struct cursor expression)
{
    const enum CXCursorKind kind = cursor_kind(as_written(expression));
    return kind == CXCursor_ParenExpr || kind == CXCursor_CallExpr ||
           kind == CXCursor_ArraySubscriptExpr;
}

static const char *name_at(const struct source *source, size_t offset)
{
    return intern_n(source->text + offset, source_identifier(source, offset));
}

/* The name of the macro in whose body an offset is. */
static const char *defined_name(const struct source *source, size_t offset)
{
    return name_at(source, source_macro_name(source, offset));
}

bool span_of(struct unit *unit, struct cursor expression, struct span *span)
{
    const struct location start = cursor_begin(expression);
    struct place begin = place_of(unit, start);
    const struct place end = place_of(unit, cursor_end(expression));
    if (!begin.source || !end.source)
        return false;
    if (begin.kind == PLACE_ARG && span_from_parameter(unit, expression, span))
        return true;
    if (begin.kind == PLACE_BODY) {
        if (span_in_body(unit, expression, begin, span))
            return true;
        if (!source_starts_macro_body(begin.source, begin.offset))
            return false;
        const size_t body = begin.offset;
        struct source *const macro = begin.source;
        begin = place_in_file(unit, start);
        if (begin.source == end.source &&
            source_is_macro_use(begin.source, begin.offset, end.offset) &&
            ends_with_bracket(expression)) {
            /* Of another macro, which this one uses, the expression may be all of the use, if it is
             * called after that, or the callee in it. */
            if (!source_bracket_ends_macro_body(macro, body) ||
                (defined_name(macro, body) != name_at(begin.source, begin.offset) &&
                 begin.source->text[source_skip_blank(begin.source, end.offset)] != '('))
                return false;
            *span = (struct span){begin.source, begin.offset, end.offset, begin.kind};
            return true;
        }
    }
    if (end.kind == PLACE_BODY || begin.source != end.source || begin.offset >= end.offset ||
        !source_is_one_argument(begin.source, begin.offset, end.offset) ||
        !ends_with_expression(unit, expression, begin.source, end.offset))
        return false;
    *span =
        (struct span){begin.source, begin.offset, end.offset,
                      begin.kind == PLACE_ARG || end.kind == PLACE_ARG ? PLACE_ARG : PLACE_FILE};
    return true;
}

/* The operators after the first operand of `a->b[c](d).e`. */
static int count_postfix(struct cursor expression)
{
    int count = 0;
    for (;;) {
        expression = as_written(expression);
        const enum CXCursorKind kind = cursor_kind(expression);
        if (kind != CXCursor_MemberRefExpr && kind != CXCursor_ArraySubscriptExpr &&
            kind != CXCursor_CallExpr)
            return count;
        expression = first_child(expression);
        count++;
    }
}

/* The offset after `count` operators from `offset` on; 0 if the text has none. */
static size_t skip_postfix(const struct source *source, size_t offset, int count)
{
    for (; count > 0; count--) {
        offset = source_skip_blank(source, offset);
        const char *const text = source->text + offset;
        const size_t arrow = *text == '.' ? 1 : text[0] == '-' && text[1] == '>' ? 2 : 0;
        if (arrow) {
            offset = source_skip_blank(source, offset + arrow);
            const size_t length = source_identifier(source, offset);
            offset += length;
            if (!length)
                return 0;
        } else if (!(offset = source_skip_brackets(source, offset))) {
            return 0;
        }
    }
    return offset;
}

/* The start of `a` of `a->b.c`, from the last name on; SIZE_MAX if there is more to it. */
static size_t chain_start(const struct source *source, size_t offset)
{
    const char *const text = source->text;
    for (;;) {
        const size_t arrow = offset >= 2 && text[offset - 2] == '-' && text[offset - 1] == '>' ? 2
                             : offset >= 1 && text[offset - 1] == '.'                          ? 1
                                                                                               : 0;
        if (!arrow)
            return offset;
        const size_t end = offset -= arrow;
        offset = source_identifier_start(source, end);
        if (offset == end)
            return SIZE_MAX;
    }
}

/* Where `macro` is called, in the body of the macro `outer` or of one that it uses. Returns in how
 * many places; `found` of them are known, and `span` is the last. */
static int find_macro_call(const struct unit *unit, const char *outer, const char *macro, int depth,
                           int found, struct span *span)
{
    const struct macros *const macros = unit->program->macros;
    for (size_t m = depth < 8 ? macro_first(macros, outer) : 0; m; m = macros->list[m - 1].next) {
        struct source *const source = macros->list[m - 1].source;
        if (!unit_reads(unit, source))
            continue;
        size_t i = source_skip_blank(source, macros->list[m - 1].body), next;
        for (; i < macros->list[m - 1].end; i = next) {
            const size_t length = source_identifier(source, i);
            const char *const name = length ? name_at(source, i) : "";
            next = source_skip_blank(source, source_skip_token(source, i));
            if (name == macro && source->text[next] == '(') {
                found += !found || span->source != source || span->begin != i;
                *span = (struct span){source, i, i + length, PLACE_BODY};
            } else if (length && name != outer) {
                found = find_macro_call(unit, name, macro, depth + 1, found, span);
            }
        }
    }
    return found;
}

/* A callee that is all of an object-like macro, which the body of another one calls: `#define
 * close_it(x) os_close(x)`. */
static bool span_of_macro_callee(struct unit *unit, struct cursor callee, struct place begin,
                                 struct span *span)
{
    const struct place use = place_in_file(unit, cursor_begin(callee));
    return use.source && source_starts_macro_body(begin.source, begin.offset) &&
           ends_with_bracket(callee) &&
           source_bracket_ends_macro_body(begin.source, begin.offset) &&
           find_macro_call(unit, name_at(use.source, use.offset),
                           defined_name(begin.source, begin.offset), 0, 0, span) == 1;
}

bool span_of_callee(struct unit *unit, struct cursor callee, struct span *span)
{
    if (span_of(unit, callee, span))
        return true;
    const struct place begin = place_of(unit, cursor_begin(callee));
    size_t from = begin.offset, end = 0;
    if (!begin.source)
        return false;
    if (begin.kind == PLACE_BODY && span_of_macro_callee(unit, callee, begin, span))
        return true;
    if (begin.kind == PLACE_BODY) {
        end = source_skip_brackets(begin.source, from);
        if (!end)
            end = from + source_identifier(begin.source, from);
        end = end > from ? skip_postfix(begin.source, end, count_postfix(callee)) : 0;
        *span = (struct span){begin.source, from, end, PLACE_BODY};
    } else {
        const struct cursor inner = as_written(callee);
        if (cursor_kind(inner) != CXCursor_MemberRefExpr ||
            !span_of_name(unit, inner, cursor_name(inner), span) || span->kind != PLACE_BODY)
            return false;
        end = span->end;
        span->begin = from = chain_start(span->source, span->begin);
        if (from == SIZE_MAX)
            return false;
    }
    return end && !source_ends_macro_body(span->source, end) &&
           span->source->text[source_skip_blank(span->source, end)] == '(';
}
