#include "cursor.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyze.h"
#include "diag.h"
#include "intern.h"

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

bool unit_reads(const struct unit *unit, const struct source *source) {
    for (size_t i = 0; i < unit->include_count; i++)
        if (unit->includes[i] == source)
            return true;
    return false;
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

struct operands {
    CXCursor *list;
    unsigned count;
};

static enum CXChildVisitResult take_operand(CXCursor child, CXCursor parent, CXClientData data) {
    struct operands *const it = data;
    (void)parent;
    if (clang_isExpression(clang_getCursorKind(child)) && it->count < ATOMIC_OPERANDS)
        it->list[it->count++] = child;
    return CXChildVisit_Continue;
}

/* libclang shows a type-generic builtin as an unexposed expression, as it does an implicit conversion, which has one operand. With
 * more it shows the elements of initializers so, and few builtins, none of which begins with a pointer. */
unsigned atomic_operands(CXCursor expression, CXCursor operands[ATOMIC_OPERANDS]) {
    CXCursor none[ATOMIC_OPERANDS];
    struct operands found = { operands ? operands : none, 0 };
    const enum CXCursorKind kind = clang_getCursorKind(expression);
    if (kind == CXCursor_UnexposedExpr) {
        clang_visitChildren(expression, take_operand, &found);
        const bool one = found.count < 2 || clang_getCanonicalType(clang_getCursorType(found.list[0])).kind != CXType_Pointer;
        return one ? 0 : found.count;
    }
    if (kind != CXCursor_CallExpr || strncmp(cursor_name(expression), "__sync_", 7))
        return 0;
    const int count = clang_Cursor_getNumArguments(expression);
    for (int i = 0; i < count && i < ATOMIC_OPERANDS; i++)
        found.list[found.count++] = clang_Cursor_getArgument(expression, (unsigned)i);
    return found.count;
}

bool is_atomic_value(CXCursor operand, CXCursor first) {
    const CXType object = without_atomic(clang_getPointeeType(clang_getCanonicalType(clang_getCursorType(first))));
    return clang_equalTypes(clang_getUnqualifiedType(clang_getCanonicalType(clang_getCursorType(operand))), clang_getUnqualifiedType(object));
}

static CXCursor strip(CXCursor expression, bool casts) {
    for (;;) {
        const enum CXCursorKind kind = clang_getCursorKind(expression);
        CXCursor inner;
        if (kind == CXCursor_UnexposedExpr && atomic_operands(expression, NULL))
            return expression;
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

CXCursor operand_of_address(CXCursor expression) {
    const CXCursor inner = strip_casts(expression);
    return clang_getCursorKind(inner) == CXCursor_UnaryOperator && clang_getCursorUnaryOperatorKind(inner) == CXUnaryOperator_AddrOf ?
           first_child(inner) : clang_getNullCursor();
}

bool is_object_address(CXCursor expression) {
    const CXCursor object = operand_of_address(expression);
    return !clang_Cursor_isNull(object) && !is_function(clang_getCursorType(object));
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

bool is_automatic(CXCursor variable) {
    return clang_getCursorLinkage(variable) == CXLinkage_NoLinkage && clang_Cursor_getStorageClass(variable) != CX_SC_Static;
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

bool has_name_everywhere(CXType type) {
    for (type = clang_getCanonicalType(type);; type = clang_getCanonicalType(clang_getPointeeType(type))) {
        while (is_array(type)) {
            if (type.kind != CXType_ConstantArray)
                return false;
            type = clang_getCanonicalType(clang_getArrayElementType(type));
        }
        if (type.kind != CXType_Pointer)
            break;
    }
    const CXCursor declaration = clang_getTypeDeclaration(type);
    return clang_getCursorKind(declaration) == CXCursor_NoDeclFound ||
           (!clang_Cursor_isAnonymous(declaration) && !is_function(type) &&
            clang_getCursorKind(clang_getCursorSemanticParent(declaration)) == CXCursor_TranslationUnit);
}
