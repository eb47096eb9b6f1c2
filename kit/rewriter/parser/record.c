/* The walk through a unit that makes its tree. Recorded are whole functions and variables of the
 * project; of everything else what they refer to, what a declaration of the plan refers to, and
 * where macros stand. */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#include "record_declarations.h"
#include "record_places.h"
#include "record_type_parts.h"
#include "record_types.h"
#include "search.h"

static void push(struct recorder *recorder, CXCursor cursor, enum CXCursorKind kind, uint32_t node)
{
    *PUSH(recorder->frames, recorder->depth, recorder->capacity) =
        (struct record_frame){.cursor = cursor, .kind = kind, .node = node};
}

static bool is_named(const struct recorder *recorder, uint32_t declaration, const char *text)
{
    const struct tree_name *const name =
        name_at(recorder, declaration_at(recorder, declaration)->name);
    return name->length == strlen(text) &&
           !memcmp(recorder->tables[TREE_TEXT].data + name->offset, text, name->length);
}

static bool is_wrapper(enum CXCursorKind kind)
{
    return kind == CXCursor_UnexposedExpr || kind == CXCursor_GenericSelectionExpr ||
           kind == CXCursor_ParenExpr || kind == CXCursor_CStyleCastExpr;
}

static enum CXTypeKind canonical_kind(const struct recorder *recorder, uint32_t type)
{
    return (enum CXTypeKind)type_entry(recorder, type_entry(recorder, type)->canonical)->kind;
}

static bool is_assignment(const struct recorder *recorder, const struct record_frame *frame)
{
    return frame->kind == CXCursor_VarDecl ||
           (frame->kind == CXCursor_BinaryOperator &&
            node_at(recorder, frame->node)->operator== CXBinaryOperator_Assign);
}

/* The value of an integer expression; false if it is no constant. */
static bool evaluate(CXCursor cursor, int64_t *value)
{
    CXEvalResult const result = clang_Cursor_Evaluate(cursor);
    const bool known = result && clang_EvalResult_getKind(result) == CXEval_Int;
    if (known)
        *value = clang_EvalResult_getAsLongLong(result);
    if (result)
        clang_EvalResult_dispose(result);
    return known;
}

/* Where the stages ask whether a number is a constant: as a pointer, as an argument of one of the
 * guide's functions or of glob, and a literal also as what is assigned. */
static void add_constant(struct recorder *recorder, uint32_t node, CXCursor cursor,
                         enum CXCursorKind kind)
{
    bool wanted = false;
    size_t i = recorder->depth;
    for (; i > 0 && is_wrapper(recorder->frames[i - 1].kind); i--) {
        const enum CXTypeKind outer = canonical_kind(recorder, recorder->frames[i - 1].type);
        wanted |= outer == CXType_Pointer || outer == CXType_Atomic;
    }
    const struct record_frame *const user = i > 0 ? &recorder->frames[i - 1] : NULL;
    if (!wanted && !(user && (user->constants ||
                              (kind == CXCursor_IntegerLiteral && is_assignment(recorder, user)))))
        return;
    int64_t value;
    if (evaluate(cursor, &value)) {
        const uint32_t constant = record_add(recorder, TREE_CONSTANTS, &value);
        node_at(recorder, node)->flags |= NODE_CONSTANT;
        node_at(recorder, node)->value = constant;
    }
}

/* The call that a name is the callee of, or its string an argument. */
static struct record_frame *call_around(struct recorder *recorder)
{
    size_t i = recorder->depth;
    while (i > 0 && is_wrapper(recorder->frames[i - 1].kind))
        i--;
    return i > 0 && recorder->frames[i - 1].kind == CXCursor_CallExpr ? &recorder->frames[i - 1]
                                                                      : NULL;
}

static void add_reference(struct recorder *recorder, uint32_t node, CXCursor cursor)
{
    const CXCursor declaration = clang_getCursorReferenced(cursor);
    const uint32_t referenced = record_declaration(recorder, declaration);
    node_at(recorder, node)->reference = referenced;
    if (!referenced || node_at(recorder, referenced)->kind != CXCursor_FunctionDecl)
        return;
    struct tree_declaration *const made = declaration_at(recorder, referenced);
    if (!made->symbol && made->flags & DECLARATION_ATTRIBUTES) {
        const uint32_t symbol = record_string(recorder, clang_Cursor_getMangling(declaration));
        declaration_at(recorder, referenced)->symbol = symbol;
    } else if (!made->symbol) {
        made->symbol = made->name;
    }
    struct record_frame *const call = call_around(recorder);
    if (call) {
        if (node_at(recorder, call->node)->child == call->last) /* its first child: the callee */
            node_at(recorder, call->node)->reference = referenced;
        call->constants |= is_named(recorder, referenced, "ia2_register_compartment") ||
                           is_named(recorder, referenced, "glob") ||
                           is_named(recorder, referenced, "glob64"); /* flags */
        call->strings |= is_named(recorder, referenced, "dlsym");
    }
}

static bool is_function_pointer(CXCursor cursor)
{
    const CXType type = clang_getCanonicalType(clang_getCursorType(cursor));
    const enum CXTypeKind pointee = type.kind == CXType_Pointer
                                        ? clang_getCanonicalType(clang_getPointeeType(type)).kind
                                        : CXType_Invalid;
    return pointee == CXType_FunctionProto || pointee == CXType_FunctionNoProto;
}

/* What the stages ask the text of: arguments, callees, values that are assigned, and what these are
 * made of; function pointers that initialize members; and what a jump can go by. */
static bool has_text(const struct recorder *recorder, const struct record_frame *parent,
                     CXCursor cursor, enum CXCursorKind kind, int operator)
{
    switch (kind) {
    case CXCursor_CallExpr:
    case CXCursor_DeclRefExpr:
    case CXCursor_CompoundLiteralExpr:
    case CXCursor_FunctionDecl:
    case CXCursor_VarDecl:
    case CXCursor_ParmDecl:
        return true;
    case CXCursor_UnaryOperator:
        if (operator== CXUnaryOperator_AddrOf)
            return true;
        break;
    default:
        break;
    }
    if (!clang_isExpression(kind))
        return is_scope_or_jump(kind);
    switch (parent->kind) {
    case CXCursor_CallExpr:
    case CXCursor_VarDecl:
        return true;
    case CXCursor_BinaryOperator:
        return parent->text || is_assignment(recorder, parent);
    case CXCursor_UnaryOperator:
    case CXCursor_GenericSelectionExpr:
    case CXCursor_ParenExpr:
    case CXCursor_CStyleCastExpr:
        return parent->text;
    case CXCursor_UnexposedExpr:
    case CXCursor_ConditionalOperator:
        return parent->text || is_function_pointer(cursor);
    case CXCursor_InitListExpr:
        return is_function_pointer(cursor);
    default:
        return false;
    }
}

static void add_expression(struct recorder *recorder, uint32_t node, CXCursor cursor,
                           enum CXCursorKind kind)
{
    const CXType clang_type = clang_getCursorType(cursor);
    const uint32_t type = record_type(recorder, clang_type, true),
                   location = record_location(recorder, clang_getCursorLocation(cursor));
    node_at(recorder, node)->type = type;
    node_at(recorder, node)->location = location;
    switch (kind) {
    case CXCursor_DeclRefExpr:
    case CXCursor_MemberRefExpr:
        add_reference(recorder, node, cursor);
        break;
    case CXCursor_UnaryOperator:
        node_at(recorder, node)->operator=(uint8_t) clang_getCursorUnaryOperatorKind(cursor);
        break;
    case CXCursor_BinaryOperator:
    case CXCursor_CompoundAssignOperator:
        node_at(recorder, node)->operator=(uint8_t) clang_getCursorBinaryOperatorKind(cursor);
        break;
    case CXCursor_StringLiteral: {
        const struct record_frame *const call = call_around(recorder);
        if (call && call->strings)
            record_set_name(recorder, node, cursor);
        break;
    }
    default:
        break;
    }
    if (canonical_kind(recorder, type) <= CXType_Int128 && kind != CXCursor_GNUNullExpr)
        add_constant(recorder, node, cursor, kind);
}

static void add_other(struct recorder *recorder, uint32_t node, CXCursor cursor,
                      enum CXCursorKind kind)
{
    const uint32_t location = record_location(recorder, clang_getCursorLocation(cursor));
    node_at(recorder, node)->location = location;
    if (kind == CXCursor_LabelStmt || kind == CXCursor_LabelRef || kind == CXCursor_AnnotateAttr)
        record_set_name(recorder, node, cursor);
    if (kind == CXCursor_MemberRef || kind == CXCursor_TypeRef) {
        const uint32_t reference = record_declaration(recorder, clang_getCursorReferenced(cursor));
        node_at(recorder, node)->reference = reference;
    }
}

/* A declaration that the walk comes by. One that it comes by again, in a type that two variables
 * have, is another node. */
static void declare(struct recorder *recorder, uint32_t node, CXCursor cursor,
                    enum CXCursorKind kind)
{
    const bool named =
        kind == CXCursor_FunctionDecl || kind == CXCursor_VarDecl || kind == CXCursor_ParmDecl;
    if (named && !map_get(&recorder->declarations, key_of(cursor.data[0])))
        map_put(&recorder->declarations, key_of(cursor.data[0]), (void *)(uintptr_t)node);
    record_declare(recorder, node, cursor, kind);
    const uint32_t canonical = declaration_at(recorder, node)->canonical;
    if (named && declaration_at(recorder, node)->flags & DECLARATION_DEFINES)
        declaration_at(recorder, canonical ? canonical : node)->definition = node;
}

/* Most cursors differ in what their data point to, which spares the call. */
static bool is_same(const CXCursor *a, const CXCursor *b)
{
    return a->kind == b->kind &&
           (clang_isDeclaration(a->kind) ? a->data[0] == b->data[0] : a->data[1] == b->data[1]) &&
           clang_equalCursors(*a, *b);
}

/* Which operand of __builtin_choose_expr is evaluated, when its second one comes by; 0 if that is
 * not known, or it is another expression. It is unexposed, as are initializers with a designator,
 * which have no type, and `a ?: b`, whose result is an integer where `a` is. */
static unsigned choice(const struct recorder *recorder, const struct record_frame *frame)
{
    const enum CXTypeKind kind = canonical_kind(recorder, frame->type);
    if (frame->kind != CXCursor_UnexposedExpr || kind <= CXType_Int128 ||
        clang_getCanonicalType(clang_getCursorType(frame->first)).kind > CXType_Int128)
        return 0;
    int64_t value;
    return !evaluate(frame->first, &value) ? 0 : value ? 2 : 3;
}

/* _Generic and __builtin_choose_expr are recorded as parentheses that refer to what is evaluated,
 * or to the first of what may be. What is not has text all the same. */
static bool is_chosen(struct recorder *recorder, struct record_frame *frame, CXCursor cursor,
                      enum CXCursorKind kind)
{
    if (!clang_isExpression(kind))
        return false;
    if (!frame->count++)
        frame->first = cursor;
    if (frame->kind == CXCursor_GenericSelectionExpr) /* those of the result's type */
        return frame->count > 1 &&
               clang_equalTypes(clang_getCanonicalType(clang_getCursorType(cursor)),
                                clang_getCanonicalType(clang_getCursorType(frame->cursor)));
    if (frame->count == 2 && (frame->chosen = choice(recorder, frame)))
        node_at(recorder, frame->node)->kind = CXCursor_ParenExpr;
    return frame->chosen && frame->chosen == frame->count;
}

static enum CXChildVisitResult on_cursor(CXCursor cursor, CXCursor parent, CXClientData data)
{
    struct recorder *const recorder = data;
    while (recorder->depth > 1 && !is_same(&recorder->frames[recorder->depth - 1].cursor, &parent))
        recorder->depth--;
    struct record_frame *const above = &recorder->frames[recorder->depth - 1];
    const enum CXCursorKind kind = clang_getCursorKind(cursor);
    const uint32_t node = record_child(
        recorder, above, kind == CXCursor_GenericSelectionExpr ? CXCursor_ParenExpr : kind);
    if (is_chosen(recorder, above, cursor, kind) && !node_at(recorder, above->node)->reference)
        node_at(recorder, above->node)->reference = node;
    if (record_is_declaration(kind))
        declare(recorder, node, cursor, kind);
    else if (clang_isExpression(kind))
        add_expression(recorder, node, cursor, kind);
    else
        add_other(recorder, node, cursor, kind);
    const bool text = has_text(recorder, above, cursor, kind, node_at(recorder, node)->operator);
    if (text) {
        const uint32_t extent = record_extent(recorder, cursor);
        node_at(recorder, node)->extent = extent;
    }
    if (above->kind == CXCursor_VarDecl && clang_isExpression(kind) &&
        clang_equalCursors(clang_Cursor_getVarDeclInitializer(parent), cursor))
        declaration_at(recorder, above->node)->initializer = node;
    push(recorder, cursor, kind, node);
    recorder->frames[recorder->depth - 1].text = text;
    recorder->frames[recorder->depth - 1].type = node_at(recorder, node)->type;
    return CXChildVisit_Recurse;
}

static bool defines_record(CXCursor cursor, enum CXCursorKind kind)
{
    return (kind == CXCursor_StructDecl || kind == CXCursor_UnionDecl) &&
           clang_isCursorDefinition(cursor);
}

/* Of what is not recorded as a whole: its attributes, records that it declares, and tokens of
 * macros. */
static enum CXChildVisitResult on_part(CXCursor cursor, CXCursor parent, CXClientData data)
{
    struct recorder *const recorder = data;
    struct record_frame *const above = &recorder->frames[0];
    const enum CXCursorKind kind = clang_getCursorKind(cursor);
    const bool record = defines_record(cursor, kind);
    const CXSourceLocation location = clang_getCursorLocation(cursor);
    (void)parent;
    if (record)
        declare(recorder, record_child(recorder, above, kind), cursor, kind);
    else if (clang_isAttribute(kind) || record_is_macro(location))
        add_other(recorder, record_child(recorder, above, kind), cursor, kind);
    return CXChildVisit_Recurse;
}

static void add_parameters(struct recorder *recorder, uint32_t node, CXCursor function)
{
    const int count = clang_Cursor_getNumArguments(function);
    const uint32_t first = (uint32_t)recorder->tables[TREE_ARGUMENTS].count;
    for (int i = 0; i < count; i++) {
        const uint32_t parameter =
            record_declaration(recorder, clang_Cursor_getArgument(function, (unsigned)i));
        record_add(recorder, TREE_ARGUMENTS, &parameter);
    }
    declaration_at(recorder, node)->arguments = first;
    declaration_at(recorder, node)->argument_count = count > 0 ? (uint32_t)count : 0;
}

/* A function or variable that is declared outside of functions. */
static void add_symbol(struct recorder *recorder, CXCursor cursor, enum CXCursorKind kind,
                       struct record_frame *root)
{
    const CXSourceLocation location = clang_getCursorLocation(cursor);
    const bool system = record_is_system(recorder, location);
    if (system && !record_is_macro(location)) {
        CXString spelling = clang_getCursorSpelling(cursor);
        const uint64_t hash = tree_name_hash(clang_getCString(spelling));
        clang_disposeString(spelling);
        if (!map_get(recorder->planned, hash)) {
            record_add(recorder, TREE_LACKING, &hash);
            return;
        }
    }
    const uint32_t node = record_child(recorder, root, kind);
    declare(recorder, node, cursor, kind);
    if (system)
        return;
    const uint32_t extent = record_extent(recorder, cursor);
    node_at(recorder, node)->extent = extent;
    recorder->depth = 0;
    push(recorder, cursor, kind, node);
    if (kind == CXCursor_VarDecl || clang_isCursorDefinition(cursor)) {
        clang_visitChildren(cursor, on_cursor, recorder);
        if (kind == CXCursor_FunctionDecl)
            add_parameters(recorder, node, cursor);
    } else {
        clang_visitChildren(cursor, on_part, recorder);
    }
}

static enum CXChildVisitResult on_declaration(CXCursor cursor, CXCursor parent, CXClientData data)
{
    void **const context = data;
    struct recorder *const recorder = context[0];
    struct record_frame *const root = context[1];
    const enum CXCursorKind kind = clang_getCursorKind(cursor);
    (void)parent;
    if (kind == CXCursor_FunctionDecl || kind == CXCursor_VarDecl) {
        add_symbol(recorder, cursor, kind, root);
        return CXChildVisit_Continue;
    }
    const bool record = defines_record(cursor, kind);
    const CXSourceLocation location = clang_getCursorLocation(cursor);
    if (kind == CXCursor_TypedefDecl || record) {
        if (record || clang_getCanonicalType(clang_getCursorType(cursor)).kind == CXType_Record)
            declare(recorder, record_child(recorder, root, kind), cursor, kind);
    } else if (record_is_macro(location)) {
        add_other(recorder, record_child(recorder, root, kind), cursor, kind);
    }
    if (record || !record_is_system(recorder, location)) {
        recorder->depth = 0;
        push(recorder, cursor, kind, root->node);
        recorder->frames[0].last = root->last;
        clang_visitChildren(cursor, on_part, recorder);
        root->last = recorder->frames[0].last;
    }
    return CXChildVisit_Continue;
}

static int compare_hashes(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The entries that no position leads to: 0 is none in all tables. */
static void begin(struct recorder *recorder)
{
    static const uint64_t zeros[16];
    record_node(recorder, CXCursor_InvalidFile);
    record_node(recorder, CXCursor_NoDeclFound);
    record_node(recorder, CXCursor_TranslationUnit);
    record_no_type(recorder);
    for (int i = TREE_EXTENTS; i <= TREE_NAMES; i++)
        if (i != TREE_TYPES)
            record_add(recorder, (enum tree_section)i, zeros);
}

static void end(struct recorder *recorder)
{
    for (int i = 0; i < TREE_SECTIONS; i++)
        free(recorder->tables[i].data);
    struct map *const maps[] = {&recorder->declarations, &recorder->types, &recorder->names,
                                &recorder->files, &recorder->macro_places};
    for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
        map_free(maps[i]);
    free(recorder->ranges);
    free(recorder->recorded_types);
    free(recorder->values);
    free(recorder->frames);
}

/* What must not come or go while the tree is true. */
static bool note_search(struct recorder *recorder, const struct record_request *request)
{
    const size_t count = recorder->tables[TREE_FILES].count - 1;
    struct source **const files = must_alloc((count + 1) * sizeof(*files));
    const char **const paths = must_alloc((count + 1) * sizeof(*paths));
    struct search search = {0};
    for (size_t i = 0; i < count; i++) {
        const struct tree_name *const name =
            name_at(recorder, file_at(recorder, (uint32_t)i + 1)->name);
        paths[i] =
            compdb_path(recorder->unit->command,
                        intern_n(recorder->tables[TREE_TEXT].data + name->offset, name->length));
        files[i] = source_get(paths[i]);
        recorder->changed |= !files[i];
    }
    const bool known =
        !recorder->changed && search_of_unit(&search, recorder->unit->command, request->arguments,
                                             request->argument_count, files, paths, count);
    for (size_t i = 0; known && i < search.count; i++) {
        const struct tree_probe probe = {record_name(recorder, search.probes[i].directory),
                                         record_name(recorder, search.probes[i].name),
                                         search_is_present(&search.probes[i])};
        record_add(recorder, TREE_PROBES, &probe);
    }
    free(search.probes);
    free(files);
    free(paths);
    return known && !search_was_overtaken();
}

struct tree_header *record_unit(struct unit *unit, CXTranslationUnit tu,
                                struct record_request *request)
{
    struct recorder recorder = {.unit = unit, .tu = tu, .planned = request->planned};
    struct record_frame root = {.node = ROOT_NODE};
    void *context[] = {&recorder, &root};
    begin(&recorder);
    record_inclusions(&recorder);
    clang_visitChildren(clang_getTranslationUnitCursor(tu), on_declaration, context);
    record_parts_of_types(&recorder);
    request->keep = request->keep && note_search(&recorder, request);
    struct table *const lacking = &recorder.tables[TREE_LACKING];
    if (lacking->count)
        qsort(lacking->data, lacking->count, sizeof(uint64_t), compare_hashes);
    const unsigned vector_bytes =
        record_has_wide_vectors(&recorder) ? request->vector_bytes(unit, request) : 16;
    struct tree_header *const made = tree_assemble(recorder.tables, request->key, vector_bytes);
    end(&recorder);
    return made;
}
