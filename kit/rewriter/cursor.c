#include "cursor.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyze.h"
#include "diag.h"
#include "intern.h"
#include "macros.h"

static struct source *source_of(struct unit *unit, CXFile file) {
    struct source *source = map_get(&unit->files, key_of(file));
    if (!source) {
        CXString name = clang_getFileName(file);
        const char *path = clang_getCString(name);
        if (path && path[0] != '/')
            path = intern_format("%s/%s", unit->command->directory, path);
        source = path ? source_read(path) : NULL;
        clang_disposeString(name);
        if (source)
            map_put(&unit->files, key_of(file), source);
    }
    return source;
}

struct source *unit_source(struct unit *unit, CXFile file) {
    return source_of(unit, file);
}

struct place place_of(struct unit *unit, CXSourceLocation location) {
    struct place place = { 0 };
    CXFile spelling, expansion, file;
    unsigned offset, expansion_offset, file_offset;
    clang_getSpellingLocation(location, &spelling, NULL, NULL, &offset);
    if (!spelling)
        return place;
    clang_getExpansionLocation(location, &expansion, NULL, NULL, &expansion_offset);
    place.source = source_of(unit, spelling);
    /* The first token of a continued line begins with the backslash of the line before, as clang sees it. */
    place.offset = place.source && place.source->text[offset] == '\\' ? source_skip_blank(place.source, offset) : offset;
    if (offset == expansion_offset && clang_File_isEqual(spelling, expansion))
        return place;
    clang_getFileLocation(location, &file, NULL, NULL, &file_offset);
    place.kind = offset == file_offset && file && clang_File_isEqual(spelling, file) ? PLACE_ARG : PLACE_BODY;
    return place;
}

struct place place_in_file(struct unit *unit, CXSourceLocation location) {
    struct place place = { 0 };
    CXFile file;
    unsigned offset;
    clang_getFileLocation(location, &file, NULL, NULL, &offset);
    if (file)
        place.source = source_of(unit, file);
    place.offset = offset;
    return place;
}

bool span_of_name(struct unit *unit, CXCursor cursor, const char *name, struct span *span) {
    const struct place place = place_of(unit, clang_getCursorLocation(cursor));
    const size_t length = strlen(name);
    if (!place.source || source_identifier(place.source, place.offset) != length ||
        strncmp(place.source->text + place.offset, name, length))
        return false;
    *span = (struct span) { place.source, place.offset, place.offset + length, place.kind };
    return true;
}

/* An expression wholly in the body of a macro: libclang reports the end of the macro's use instead of the
 * expression's own end, so only expressions that end in a name are handled. */
static bool span_in_body(struct unit *unit, CXCursor expression, struct place begin, struct span *span) {
    const CXCursor inner = strip_implicit(expression);
    const enum CXCursorKind kind = clang_getCursorKind(inner);
    struct span name;
    if ((kind != CXCursor_DeclRefExpr && kind != CXCursor_MemberRefExpr) ||
        !clang_equalLocations(clang_getRangeStart(clang_getCursorExtent(inner)),
                              clang_getRangeStart(clang_getCursorExtent(expression))) ||
        !span_of_name(unit, inner, cursor_name(inner), &name) || name.kind != PLACE_BODY ||
        name.source != begin.source || name.begin < begin.offset)
        return false;
    *span = (struct span) { begin.source, begin.offset, name.end, PLACE_BODY };
    return source_is_one_argument(span->source, span->begin, span->end);
}

/* `p->member` in the body of a macro whose parameter p is: the argument's text is elsewhere, the body has the expression
 * all the same. */
static bool span_from_parameter(struct unit *unit, CXCursor expression, struct span *span) {
    CXCursor inner = strip_implicit(expression);
    struct span name, left;
    if (clang_getCursorKind(inner) != CXCursor_MemberRefExpr || !span_of_name(unit, inner, cursor_name(inner), &name) ||
        name.kind != PLACE_BODY)
        return false;
    left = name;
    for (CXCursor base = strip_implicit(first_child(inner)); clang_getCursorKind(base) == CXCursor_MemberRefExpr;
         base = strip_implicit(first_child(base))) {
        struct span member;
        if (!span_of_name(unit, base, cursor_name(base), &member) || member.source != name.source || member.begin >= left.begin)
            break;
        if (member.kind == PLACE_BODY)
            left = member;
    }
    size_t begin;
    if (!source_parameter_before_member(name.source, left.begin, &begin))
        return false;
    *span = (struct span) { name.source, begin, name.end, PLACE_BODY };
    return source_is_one_argument(span->source, span->begin, span->end);
}

/* libclang extends an expression that ends in a macro to the end of the macro's use, but the macro may go on with
 * something else. */
static bool ends_with_expression(struct unit *unit, CXCursor expression, struct source *source, size_t end) {
    while (clang_getCursorKind(expression) == CXCursor_UnexposedExpr && !clang_Cursor_isNull(first_child(expression)))
        expression = first_child(expression);
    switch (clang_getCursorKind(expression)) {
    case CXCursor_DeclRefExpr:
    case CXCursor_MemberRefExpr: {
        const char *const name = cursor_name(expression);
        const size_t length = strlen(name);
        if (end >= length && !strncmp(source->text + end - length, name, length))
            return true;
        const struct place place = place_of(unit, clang_getCursorLocation(expression));
        return place.source && place.kind == PLACE_BODY && source_ends_macro_body(place.source, place.offset + length);
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

static bool ends_with_bracket(CXCursor expression) {
    while (clang_getCursorKind(expression) == CXCursor_UnexposedExpr && !clang_Cursor_isNull(first_child(expression)))
        expression = first_child(expression);
    const enum CXCursorKind kind = clang_getCursorKind(expression);
    return kind == CXCursor_ParenExpr || kind == CXCursor_CallExpr || kind == CXCursor_ArraySubscriptExpr;
}

static const char *name_at(const struct source *source, size_t offset) {
    return intern_n(source->text + offset, source_identifier(source, offset));
}

/* The name of the macro in whose body an offset is. */
static const char *defined_name(const struct source *source, size_t offset) {
    return name_at(source, source_macro_name(source, offset));
}

bool span_of(struct unit *unit, CXCursor expression, struct span *span) {
    const CXSourceRange extent = clang_getCursorExtent(expression);
    const CXSourceLocation start = clang_getRangeStart(extent);
    struct place begin = place_of(unit, start);
    const struct place end = place_of(unit, clang_getRangeEnd(extent));
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
        if (begin.source == end.source && source_is_macro_use(begin.source, begin.offset, end.offset) && ends_with_bracket(expression)) {
            /* Of another macro, which this one uses, the expression may be all of the use, if it is called after that, or the callee in it. */
            if (!source_bracket_ends_macro_body(macro, body) ||
                (defined_name(macro, body) != name_at(begin.source, begin.offset) &&
                 begin.source->text[source_skip_blank(begin.source, end.offset)] != '('))
                return false;
            *span = (struct span) { begin.source, begin.offset, end.offset, begin.kind };
            return true;
        }
    }
    if (end.kind == PLACE_BODY || begin.source != end.source || begin.offset >= end.offset ||
        !source_is_one_argument(begin.source, begin.offset, end.offset) ||
        !ends_with_expression(unit, expression, begin.source, end.offset))
        return false;
    *span = (struct span) { begin.source, begin.offset, end.offset,
                            begin.kind == PLACE_ARG || end.kind == PLACE_ARG ? PLACE_ARG : PLACE_FILE };
    return true;
}

/* The operators after the first operand of `a->b[c](d).e`. */
static int count_postfix(CXCursor expression) {
    int count = 0;
    for (;;) {
        while (clang_getCursorKind(expression) == CXCursor_UnexposedExpr && !clang_Cursor_isNull(first_child(expression)))
            expression = first_child(expression);
        const enum CXCursorKind kind = clang_getCursorKind(expression);
        if (kind != CXCursor_MemberRefExpr && kind != CXCursor_ArraySubscriptExpr && kind != CXCursor_CallExpr)
            return count;
        expression = first_child(expression);
        count++;
    }
}

/* The offset after `count` operators from `offset` on; 0 if the text has none. */
static size_t skip_postfix(const struct source *source, size_t offset, int count) {
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
static size_t chain_start(const struct source *source, size_t offset) {
    const char *const text = source->text;
    for (;;) {
        const size_t arrow = offset >= 2 && text[offset - 2] == '-' && text[offset - 1] == '>' ? 2 :
                             offset >= 1 && text[offset - 1] == '.' ? 1 : 0;
        if (!arrow)
            return offset;
        const size_t end = offset -= arrow;
        while (offset > 0 && source_identifier(source, offset - 1) > 0)
            offset--;
        if (offset == end)
            return SIZE_MAX;
    }
}

static bool reads_source(const struct unit *unit, const struct source *source) {
    for (size_t i = 0; i < unit->include_count; i++)
        if (unit->includes[i] == source)
            return true;
    return false;
}

/* Where `macro` is called, in the body of the macro `outer` or of one that it uses. Returns in how many places; `found` of them are
 * known, and `span` is the last. */
static int find_macro_call(const struct unit *unit, const char *outer, const char *macro, int depth, int found, struct span *span) {
    for (size_t m = depth < 8 ? macro_first(outer) : 0; m; m = macros[m - 1].next) {
        struct source *const source = macros[m - 1].source;
        if (!reads_source(unit, source))
            continue;
        size_t i = source_skip_blank(source, macros[m - 1].body), next;
        for (; i < macros[m - 1].end; i = next) {
            const size_t length = source_identifier(source, i);
            const char *const name = length ? name_at(source, i) : "";
            next = source_skip_blank(source, source_skip_token(source, i));
            if (name == macro && source->text[next] == '(') {
                found += !found || span->source != source || span->begin != i;
                *span = (struct span) { source, i, i + length, PLACE_BODY };
            } else if (length && name != outer) {
                found = find_macro_call(unit, name, macro, depth + 1, found, span);
            }
        }
    }
    return found;
}

/* A callee that is all of an object-like macro, which the body of another one calls: `#define close_it(x) os_close(x)`. */
static bool span_of_macro_callee(struct unit *unit, CXCursor callee, struct place begin, struct span *span) {
    const struct place use = place_in_file(unit, clang_getRangeStart(clang_getCursorExtent(callee)));
    return use.source && source_starts_macro_body(begin.source, begin.offset) && ends_with_bracket(callee) &&
           source_bracket_ends_macro_body(begin.source, begin.offset) &&
           find_macro_call(unit, name_at(use.source, use.offset), defined_name(begin.source, begin.offset), 0, 0, span) == 1;
}

bool span_of_callee(struct unit *unit, CXCursor callee, struct span *span) {
    if (span_of(unit, callee, span))
        return true;
    const struct place begin = place_of(unit, clang_getRangeStart(clang_getCursorExtent(callee)));
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
        *span = (struct span) { begin.source, from, end, PLACE_BODY };
    } else {
        CXCursor inner = callee;
        while (clang_getCursorKind(inner) == CXCursor_UnexposedExpr && !clang_Cursor_isNull(first_child(inner)))
            inner = first_child(inner);
        if (clang_getCursorKind(inner) != CXCursor_MemberRefExpr || !span_of_name(unit, inner, cursor_name(inner), span) ||
            span->kind != PLACE_BODY)
            return false;
        end = span->end;
        span->begin = from = chain_start(span->source, span->begin);
        if (from == SIZE_MAX)
            return false;
    }
    return end && !source_ends_macro_body(span->source, end) && span->source->text[source_skip_blank(span->source, end)] == '(';
}

void cursor_position(CXCursor cursor, const char **file, unsigned *line, unsigned *column) {
    CXFile at;
    clang_getFileLocation(clang_getCursorLocation(cursor), &at, line, column, NULL);
    CXString name = clang_File_tryGetRealPathName(at);
    const char *path = clang_getCString(name);
    if (!path || !*path) {
        clang_disposeString(name);
        name = clang_getFileName(at);
        path = clang_getCString(name);
    }
    struct source *const source = path ? source_get(path) : NULL;
    *file = source ? source->shown : intern(path ? path : "(no file)");
    clang_disposeString(name);
}

void refuse_at(CXCursor cursor, const char *construct, const char *reason, const char *remedy) {
    const char *file;
    unsigned line, column;
    cursor_position(cursor, &file, &line, &column);
    diag_refuse(file, line, column, construct, reason, remedy);
}

const char *cursor_name(CXCursor cursor) {
    CXString name = clang_getCursorSpelling(cursor);
    const char *const text = clang_getCString(name);
    const char *const result = intern(text ? text : "");
    clang_disposeString(name);
    return result;
}

static bool in_mirror(CXString name) {
    const char *const path = clang_getCString(name);
    const bool found = path && *path == '/' && source_in_mirror(path);
    clang_disposeString(name);
    return found;
}

/* Whether a file is the project's. A header that the project takes for a system header (-isystem, #pragma GCC system_header,
 * all that CMake precompiles) is its own all the same: it has to be rewritten. */
static bool of_project(CXFile file) {
    static _Thread_local CXFileUniqueID last;
    static _Thread_local bool answer;
    CXFileUniqueID id;
    if (clang_getFileUniqueID(file, &id))
        return false;
    if (memcmp(&id, &last, sizeof(id))) {
        last = id;
        answer = in_mirror(clang_getFileName(file)) || in_mirror(clang_File_tryGetRealPathName(file));
    }
    return answer;
}

static bool is_system(CXSourceLocation location) {
    CXFile file;
    if (!clang_Location_isInSystemHeader(location))
        return false;
    clang_getExpansionLocation(location, &file, NULL, NULL, NULL);
    return !file || !of_project(file);
}

bool in_system_header(CXCursor cursor) {
    return is_system(clang_getCursorLocation(cursor));
}

bool written_in_system_header(CXCursor cursor) {
    CXFile file;
    unsigned offset;
    clang_getSpellingLocation(clang_getCursorLocation(cursor), &file, NULL, NULL, &offset);
    return file && is_system(clang_getLocationForOffset(clang_Cursor_getTranslationUnit(cursor), file, offset));
}

static enum CXChildVisitResult take_first(CXCursor child, CXCursor parent, CXClientData data) {
    (void)parent;
    *(CXCursor *)data = child;
    return CXChildVisit_Break;
}

CXCursor first_child(CXCursor cursor) {
    CXCursor child = clang_getNullCursor();
    clang_visitChildren(cursor, take_first, &child);
    return child;
}

static enum CXChildVisitResult take_expression(CXCursor child, CXCursor parent, CXClientData data) {
    (void)parent;
    if (clang_isExpression(clang_getCursorKind(child)))
        *(CXCursor *)data = child;
    return CXChildVisit_Continue;
}

CXCursor last_expression(CXCursor cursor) {
    CXCursor child = clang_getNullCursor();
    clang_visitChildren(cursor, take_expression, &child);
    return child;
}

static CXCursor strip(CXCursor expression, bool casts) {
    for (;;) {
        const enum CXCursorKind kind = clang_getCursorKind(expression);
        CXCursor inner;
        if (kind == CXCursor_UnexposedExpr || kind == CXCursor_ParenExpr)
            inner = first_child(expression);
        else if (kind == CXCursor_CStyleCastExpr && casts)
            inner = last_expression(expression);
        else
            return expression;
        if (clang_Cursor_isNull(inner))
            return expression;
        expression = inner;
    }
}

CXCursor strip_implicit(CXCursor expression) {
    return strip(expression, false);
}

CXCursor strip_casts(CXCursor expression) {
    return strip(expression, true);
}

bool is_null_constant(CXCursor expression) {
    const CXCursor inner = strip_casts(expression);
    const enum CXCursorKind kind = clang_getCursorKind(inner);
    if (kind == CXCursor_GNUNullExpr)
        return true;
    if (kind != CXCursor_IntegerLiteral)
        return false;
    CXEvalResult value = clang_Cursor_Evaluate(inner);
    const bool zero = value && clang_EvalResult_getKind(value) == CXEval_Int && !clang_EvalResult_getAsLongLong(value);
    if (value)
        clang_EvalResult_dispose(value);
    return zero;
}

bool is_object_address(CXCursor expression) {
    const CXCursor inner = strip_casts(expression);
    return clang_getCursorKind(inner) == CXCursor_UnaryOperator && clang_getCursorUnaryOperatorKind(inner) == CXUnaryOperator_AddrOf &&
           !is_function(clang_getCursorType(first_child(inner)));
}

bool is_integer_constant(CXCursor expression) {
    const CXCursor inner = strip_casts(expression);
    if (clang_getCursorKind(inner) == CXCursor_GNUNullExpr)
        return true;
    if (clang_getCanonicalType(clang_getCursorType(inner)).kind > CXType_Int128)
        return false;
    CXEvalResult value = clang_Cursor_Evaluate(inner);
    const bool constant = value && clang_EvalResult_getKind(value) == CXEval_Int;
    if (value)
        clang_EvalResult_dispose(value);
    return constant;
}

static enum CXChildVisitResult find_mark(CXCursor child, CXCursor parent, CXClientData data) {
    (void)parent;
    (void)data;
    return clang_getCursorKind(child) == CXCursor_AnnotateAttr && !strcmp(cursor_name(child), "ia2_shared_data") ?
               CXChildVisit_Break : CXChildVisit_Continue;
}

bool is_marked_shared(CXCursor variable) {
    return clang_visitChildren(variable, find_mark, NULL);
}

CXCursor named_function(CXCursor expression) {
    for (;;) {
        expression = strip_implicit(expression);
        const enum CXCursorKind kind = clang_getCursorKind(expression);
        if (kind == CXCursor_DeclRefExpr) {
            const CXCursor decl = clang_getCursorReferenced(expression);
            return clang_getCursorKind(decl) == CXCursor_FunctionDecl ? decl : clang_getNullCursor();
        }
        if (kind != CXCursor_UnaryOperator)
            return clang_getNullCursor();
        const enum CXUnaryOperatorKind operator = clang_getCursorUnaryOperatorKind(expression);
        if (operator != CXUnaryOperator_Deref && operator != CXUnaryOperator_AddrOf)
            return clang_getNullCursor();
        expression = first_child(expression);
    }
}

static enum CXChildVisitResult take_body(CXCursor child, CXCursor parent, CXClientData data) {
    (void)parent;
    if (clang_getCursorKind(child) == CXCursor_CompoundStmt)
        *(CXCursor *)data = child;
    return CXChildVisit_Continue;
}

bool body_place(struct unit *unit, CXCursor function, struct place *place) {
    CXCursor body = clang_getNullCursor();
    clang_visitChildren(function, take_body, &body);
    *place = place_of(unit, clang_getRangeStart(clang_getCursorExtent(body)));
    return place->source && place->kind == PLACE_FILE && place->source->text[place->offset] == '{';
}

bool is_array(CXType type) {
    type = clang_getCanonicalType(type);
    return type.kind == CXType_ConstantArray || type.kind == CXType_VariableArray || type.kind == CXType_IncompleteArray;
}

static CXType object_type(CXType type) {
    type = clang_getCanonicalType(type);
    while (is_array(type) && !clang_isConstQualifiedType(type))
        type = clang_getCanonicalType(clang_getArrayElementType(type));
    return type;
}

bool is_constant(CXType type) {
    type = object_type(type);
    return clang_isConstQualifiedType(type) && !clang_isVolatileQualifiedType(type);
}

bool is_volatile_constant(CXType type) {
    type = object_type(type);
    return clang_isConstQualifiedType(type) && clang_isVolatileQualifiedType(type);
}

CXType expression_type(CXCursor expression) {
    const CXType type = clang_getCursorType(expression);
    if (!is_array(type) && !is_function(type))
        return type;
    const CXCursor inner = strip_implicit(expression);
    if (clang_getCursorKind(inner) != CXCursor_DeclRefExpr)
        return type;
    const CXCursor parameter = clang_getCursorReferenced(inner), function = clang_getCursorSemanticParent(parameter);
    if (clang_getCursorKind(parameter) != CXCursor_ParmDecl)
        return type;
    const CXType function_type = clang_getCanonicalType(clang_getCursorType(function));
    for (int i = 0; i < clang_Cursor_getNumArguments(function); i++)
        if (clang_equalCursors(clang_Cursor_getArgument(function, (unsigned)i), parameter))
            return clang_getArgType(function_type, (unsigned)i);
    return type;
}

CXCursor base_variable(CXCursor lvalue) {
    for (;;) {
        lvalue = strip_implicit(lvalue);
        const CXCursor inner = first_child(lvalue);
        switch (clang_getCursorKind(lvalue)) {
        case CXCursor_DeclRefExpr: {
            const CXCursor decl = clang_getCursorReferenced(lvalue);
            const enum CXCursorKind kind = clang_getCursorKind(decl);
            return kind == CXCursor_VarDecl || kind == CXCursor_ParmDecl ? decl : clang_getNullCursor();
        }
        case CXCursor_CompoundLiteralExpr:
            return lvalue;
        case CXCursor_MemberRefExpr:   /* `->` leaves the object, `.` does not */
            if (clang_Cursor_isNull(inner) || clang_getCanonicalType(clang_getCursorType(inner)).kind == CXType_Pointer)
                return clang_getNullCursor();
            break;
        case CXCursor_ArraySubscriptExpr:
            if (!is_array(expression_type(strip_implicit(inner))))
                return clang_getNullCursor();
            break;
        default:
            return clang_getNullCursor();
        }
        lvalue = inner;
    }
}

/* What depends on the unit: attributes of the declaration, and the path in the name of an unnamed record. */
static const char *normalize(struct unit *unit, const char *spelling) {
    struct text text = { 0 };
    for (const char *p = spelling; *p;) {
        static const char noreturn[] = " __attribute__((noreturn))";
        if (!strncmp(p, noreturn, sizeof(noreturn) - 1)) {
            p += sizeof(noreturn) - 1;
            continue;
        }
        if (!strncmp(p, " at ", 4)) {
            const char *const colon = strchr(p + 4, ':');
            if (colon) {
                const char *path = intern_n(p + 4, (size_t)(colon - p) - 4);
                if (path[0] != '/')
                    path = intern_format("%s/%s", unit->command->directory, path);
                struct source *const source = source_get(path);
                text_puts(&text, " at ");
                text_puts(&text, source ? source->shown : path);
                p = colon;
                continue;
            }
        }
        text_add(&text, p++, 1);
    }
    const char *const result = intern(text.data ? text.data : "");
    free(text.data);
    return result;
}

const char *type_spelling(struct unit *unit, CXType type) {
    type = clang_getUnqualifiedType(clang_getCanonicalType(type));
    const char *spelling = type.data[0] ? map_get(&unit->spellings, key_of(type.data[0])) : NULL;
    if (!spelling) {
        CXString text = clang_getTypeSpelling(type);
        const char *const raw = clang_getCString(text);
        spelling = normalize(unit, raw ? raw : "");
        clang_disposeString(text);
        if (type.data[0])
            map_put(&unit->spellings, key_of(type.data[0]), (void *)spelling);
    }
    return spelling;
}

bool is_function(CXType type) {
    const enum CXTypeKind kind = clang_getCanonicalType(type).kind;
    return kind == CXType_FunctionProto || kind == CXType_FunctionNoProto;
}

CXType without_atomic(CXType type) {
    type = clang_getCanonicalType(type);
    return type.kind == CXType_Atomic ? clang_getCanonicalType(clang_Type_getValueType(type)) : type;
}

const char *function_pointer_spelling(struct unit *unit, CXType type) {
    type = without_atomic(type);
    if (type.kind != CXType_Pointer || !is_function(clang_getPointeeType(type)))
        return NULL;
    return type_spelling(unit, type);
}

bool is_va_list_parameter(CXType type) {
    type = clang_getCanonicalType(type);
    if (type.kind != CXType_Pointer)
        return false;
    CXString text = clang_getTypeSpelling(clang_getUnqualifiedType(clang_getPointeeType(type)));
    const bool result = !strcmp(clang_getCString(text), "struct __va_list_tag");
    clang_disposeString(text);
    return result;
}

const char *looked_up(CXCursor expression) {
    const CXCursor call = strip_casts(expression);
    if (clang_getCursorKind(call) != CXCursor_CallExpr)
        return NULL;
    const CXCursor function = named_function(first_child(call));
    if (clang_Cursor_isNull(function) || !in_system_header(function) || strcmp(cursor_name(function), "dlsym") ||
        clang_Cursor_getNumArguments(call) != 2)
        return NULL;
    const CXCursor name = strip_casts(clang_Cursor_getArgument(call, 1));
    if (clang_getCursorKind(name) != CXCursor_StringLiteral)
        return intern("");
    CXString spelling = clang_getCursorSpelling(name);
    const char *const text = clang_getCString(spelling);   /* with its quotation marks */
    const size_t length = strlen(text);
    const char *const symbol = length > 2 && *text == '"' ? intern_n(text + 1, length - 2) : intern("");
    clang_disposeString(spelling);
    return symbol;
}
