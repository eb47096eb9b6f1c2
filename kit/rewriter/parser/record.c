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

static void push(struct recorder *it, CXCursor cursor, enum CXCursorKind kind, uint32_t node)
{
    *PUSH(it->frames, it->depth, it->capacity) =
        (struct record_frame){.cursor = cursor, .kind = kind, .node = node};
}

static bool is_named(const struct recorder *it, uint32_t declaration, const char *text)
{
    const struct tree_name *const name = name_at(it, declaration_at(it, declaration)->name);
    return name->length == strlen(text) &&
           !memcmp(it->tables[TREE_TEXT].data + name->offset, text, name->length);
}

static bool is_wrapper(enum CXCursorKind kind)
{
    return kind == CXCursor_UnexposedExpr || kind == CXCursor_GenericSelectionExpr ||
           kind == CXCursor_ParenExpr || kind == CXCursor_CStyleCastExpr;
}

static enum CXTypeKind canonical_kind(const struct recorder *it, uint32_t type)
{
    return (enum CXTypeKind)type_entry(it, type_entry(it, type)->canonical)->kind;
}

static bool is_assignment(const struct recorder *it, const struct record_frame *frame)
{
    return frame->kind == CXCursor_VarDecl ||
           (frame->kind == CXCursor_BinaryOperator &&
            node_at(it, frame->node)->operator== CXBinaryOperator_Assign);
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
 * guide's functions, and a literal also as what is assigned. */
static void add_constant(struct recorder *it, uint32_t node, CXCursor cursor,
                         enum CXCursorKind kind)
{
    bool wanted = false;
    size_t i = it->depth;
    for (; i > 0 && is_wrapper(it->frames[i - 1].kind); i--) {
        const enum CXTypeKind outer = canonical_kind(it, it->frames[i - 1].type);
        wanted |= outer == CXType_Pointer || outer == CXType_Atomic;
    }
    const struct record_frame *const user = i > 0 ? &it->frames[i - 1] : NULL;
    if (!wanted && !(user && (user->constants ||
                              (kind == CXCursor_IntegerLiteral && is_assignment(it, user)))))
        return;
    int64_t value;
    if (evaluate(cursor, &value)) {
        const uint32_t constant = record_add(it, TREE_CONSTANTS, &value);
        node_at(it, node)->flags |= NODE_CONSTANT;
        node_at(it, node)->value = constant;
    }
}

/* The call that a name is the callee of, or its string an argument. */
static struct record_frame *call_around(struct recorder *it)
{
    size_t i = it->depth;
    while (i > 0 && is_wrapper(it->frames[i - 1].kind))
        i--;
    return i > 0 && it->frames[i - 1].kind == CXCursor_CallExpr ? &it->frames[i - 1] : NULL;
}

static void add_reference(struct recorder *it, uint32_t node, CXCursor cursor)
{
    const CXCursor declaration = clang_getCursorReferenced(cursor);
    const uint32_t referenced = record_declaration(it, declaration);
    node_at(it, node)->reference = referenced;
    if (!referenced || node_at(it, referenced)->kind != CXCursor_FunctionDecl)
        return;
    struct tree_declaration *const made = declaration_at(it, referenced);
    if (!made->symbol && made->flags & DECLARATION_ATTRIBUTES) {
        const uint32_t symbol = record_string(it, clang_Cursor_getMangling(declaration));
        declaration_at(it, referenced)->symbol = symbol;
    } else if (!made->symbol) {
        made->symbol = made->name;
    }
    struct record_frame *const call = call_around(it);
    if (call) {
        if (node_at(it, call->node)->child == call->last) /* its first child: the callee */
            node_at(it, call->node)->reference = referenced;
        call->constants |= is_named(it, referenced, "ia2_register_compartment");
        call->strings |= is_named(it, referenced, "dlsym");
    }
}

/* What the stages ask the text of: arguments, callees, values that are assigned, and what these are
 * made of; and what a jump can go by. */
static bool has_text(const struct recorder *it, const struct record_frame *parent,
                     enum CXCursorKind kind, int operator)
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
        return parent->text || is_assignment(it, parent);
    case CXCursor_UnaryOperator:
    case CXCursor_UnexposedExpr:
    case CXCursor_GenericSelectionExpr:
    case CXCursor_ParenExpr:
    case CXCursor_CStyleCastExpr:
        return parent->text;
    default:
        return false;
    }
}

static void add_expression(struct recorder *it, uint32_t node, CXCursor cursor,
                           enum CXCursorKind kind)
{
    const CXType clang_type = clang_getCursorType(cursor);
    const uint32_t type = record_type(it, clang_type, true),
                   location = record_location(it, clang_getCursorLocation(cursor));
    node_at(it, node)->type = type;
    node_at(it, node)->location = location;
    switch (kind) {
    case CXCursor_DeclRefExpr:
    case CXCursor_MemberRefExpr:
        add_reference(it, node, cursor);
        break;
    case CXCursor_UnaryOperator:
        node_at(it, node)->operator=(uint8_t) clang_getCursorUnaryOperatorKind(cursor);
        break;
    case CXCursor_BinaryOperator:
    case CXCursor_CompoundAssignOperator:
        node_at(it, node)->operator=(uint8_t) clang_getCursorBinaryOperatorKind(cursor);
        break;
    case CXCursor_StringLiteral: {
        const struct record_frame *const call = call_around(it);
        if (call && call->strings)
            record_set_name(it, node, cursor);
        break;
    }
    default:
        break;
    }
    if (canonical_kind(it, type) <= CXType_Int128 && kind != CXCursor_GNUNullExpr)
        add_constant(it, node, cursor, kind);
}

static void add_other(struct recorder *it, uint32_t node, CXCursor cursor, enum CXCursorKind kind)
{
    const uint32_t location = record_location(it, clang_getCursorLocation(cursor));
    node_at(it, node)->location = location;
    if (kind == CXCursor_LabelStmt || kind == CXCursor_LabelRef || kind == CXCursor_AnnotateAttr)
        record_set_name(it, node, cursor);
    if (kind == CXCursor_MemberRef || kind == CXCursor_TypeRef) {
        const uint32_t reference = record_declaration(it, clang_getCursorReferenced(cursor));
        node_at(it, node)->reference = reference;
    }
}

/* A declaration that the walk comes by. One that it comes by again, in a type that two variables
 * have, is another node. */
static void declare(struct recorder *it, uint32_t node, CXCursor cursor, enum CXCursorKind kind)
{
    const bool named =
        kind == CXCursor_FunctionDecl || kind == CXCursor_VarDecl || kind == CXCursor_ParmDecl;
    if (named && !map_get(&it->declarations, key_of(cursor.data[0])))
        map_put(&it->declarations, key_of(cursor.data[0]), (void *)(uintptr_t)node);
    record_declare(it, node, cursor, kind);
    const uint32_t canonical = declaration_at(it, node)->canonical;
    if (named && declaration_at(it, node)->flags & DECLARATION_DEFINES)
        declaration_at(it, canonical ? canonical : node)->definition = node;
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
static unsigned choice(const struct recorder *it, const struct record_frame *frame)
{
    const enum CXTypeKind kind = canonical_kind(it, frame->type);
    if (frame->kind != CXCursor_UnexposedExpr || kind <= CXType_Int128 ||
        clang_getCanonicalType(clang_getCursorType(frame->first)).kind > CXType_Int128)
        return 0;
    int64_t value;
    return !evaluate(frame->first, &value) ? 0 : value ? 2 : 3;
}

/* _Generic and __builtin_choose_expr are recorded as parentheses that refer to what is evaluated,
 * or to the first of what may be. What is not has text all the same. */
static bool is_chosen(struct recorder *it, struct record_frame *frame, CXCursor cursor,
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
    if (frame->count == 2 && (frame->chosen = choice(it, frame)))
        node_at(it, frame->node)->kind = CXCursor_ParenExpr;
    return frame->chosen && frame->chosen == frame->count;
}

static enum CXChildVisitResult on_cursor(CXCursor cursor, CXCursor parent, CXClientData data)
{
    struct recorder *const it = data;
    while (it->depth > 1 && !is_same(&it->frames[it->depth - 1].cursor, &parent))
        it->depth--;
    struct record_frame *const above = &it->frames[it->depth - 1];
    const enum CXCursorKind kind = clang_getCursorKind(cursor);
    const uint32_t node =
        record_child(it, above, kind == CXCursor_GenericSelectionExpr ? CXCursor_ParenExpr : kind);
    if (is_chosen(it, above, cursor, kind) && !node_at(it, above->node)->reference)
        node_at(it, above->node)->reference = node;
    if (record_is_declaration(kind))
        declare(it, node, cursor, kind);
    else if (clang_isExpression(kind))
        add_expression(it, node, cursor, kind);
    else
        add_other(it, node, cursor, kind);
    const bool text = has_text(it, above, kind, node_at(it, node)->operator);
    if (text) {
        const uint32_t extent = record_extent(it, cursor);
        node_at(it, node)->extent = extent;
    }
    if (above->kind == CXCursor_VarDecl && clang_isExpression(kind) &&
        clang_equalCursors(clang_Cursor_getVarDeclInitializer(parent), cursor))
        declaration_at(it, above->node)->initializer = node;
    push(it, cursor, kind, node);
    it->frames[it->depth - 1].text = text;
    it->frames[it->depth - 1].type = node_at(it, node)->type;
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
    struct recorder *const it = data;
    struct record_frame *const above = &it->frames[0];
    const enum CXCursorKind kind = clang_getCursorKind(cursor);
    const bool record = defines_record(cursor, kind);
    const CXSourceLocation location = clang_getCursorLocation(cursor);
    (void)parent;
    if (record)
        declare(it, record_child(it, above, kind), cursor, kind);
    else if (clang_isAttribute(kind) || record_is_macro(location))
        add_other(it, record_child(it, above, kind), cursor, kind);
    return CXChildVisit_Recurse;
}

static void add_parameters(struct recorder *it, uint32_t node, CXCursor function)
{
    const int count = clang_Cursor_getNumArguments(function);
    const uint32_t first = (uint32_t)it->tables[TREE_ARGUMENTS].count;
    for (int i = 0; i < count; i++) {
        const uint32_t parameter =
            record_declaration(it, clang_Cursor_getArgument(function, (unsigned)i));
        record_add(it, TREE_ARGUMENTS, &parameter);
    }
    declaration_at(it, node)->arguments = first;
    declaration_at(it, node)->argument_count = count > 0 ? (uint32_t)count : 0;
}

/* A function or variable that is declared outside of functions. */
static void add_symbol(struct recorder *it, CXCursor cursor, enum CXCursorKind kind,
                       struct record_frame *root)
{
    const CXSourceLocation location = clang_getCursorLocation(cursor);
    const bool system = record_is_system(it, location);
    if (system && !record_is_macro(location)) {
        CXString spelling = clang_getCursorSpelling(cursor);
        const uint64_t hash = tree_name_hash(clang_getCString(spelling));
        clang_disposeString(spelling);
        if (!map_get(it->planned, hash)) {
            record_add(it, TREE_LACKING, &hash);
            return;
        }
    }
    const uint32_t node = record_child(it, root, kind);
    declare(it, node, cursor, kind);
    if (system)
        return;
    const uint32_t extent = record_extent(it, cursor);
    node_at(it, node)->extent = extent;
    it->depth = 0;
    push(it, cursor, kind, node);
    if (kind == CXCursor_VarDecl || clang_isCursorDefinition(cursor)) {
        clang_visitChildren(cursor, on_cursor, it);
        if (kind == CXCursor_FunctionDecl)
            add_parameters(it, node, cursor);
    } else {
        clang_visitChildren(cursor, on_part, it);
    }
}

static enum CXChildVisitResult on_declaration(CXCursor cursor, CXCursor parent, CXClientData data)
{
    void **const context = data;
    struct recorder *const it = context[0];
    struct record_frame *const root = context[1];
    const enum CXCursorKind kind = clang_getCursorKind(cursor);
    (void)parent;
    if (kind == CXCursor_FunctionDecl || kind == CXCursor_VarDecl) {
        add_symbol(it, cursor, kind, root);
        return CXChildVisit_Continue;
    }
    const bool record = defines_record(cursor, kind);
    const CXSourceLocation location = clang_getCursorLocation(cursor);
    if (kind == CXCursor_TypedefDecl || record) {
        if (record || clang_getCanonicalType(clang_getCursorType(cursor)).kind == CXType_Record)
            declare(it, record_child(it, root, kind), cursor, kind);
    } else if (record_is_macro(location)) {
        add_other(it, record_child(it, root, kind), cursor, kind);
    }
    if (record || !record_is_system(it, location)) {
        it->depth = 0;
        push(it, cursor, kind, root->node);
        it->frames[0].last = root->last;
        clang_visitChildren(cursor, on_part, it);
        root->last = it->frames[0].last;
    }
    return CXChildVisit_Continue;
}

static int compare_hashes(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The entries that no position leads to: 0 is none in all tables. */
static void begin(struct recorder *it)
{
    static const uint64_t zeros[16];
    record_node(it, CXCursor_InvalidFile);
    record_node(it, CXCursor_NoDeclFound);
    record_node(it, CXCursor_TranslationUnit);
    record_no_type(it);
    for (int i = TREE_EXTENTS; i <= TREE_NAMES; i++)
        if (i != TREE_TYPES)
            record_add(it, (enum tree_section)i, zeros);
}

static void end(struct recorder *it)
{
    for (int i = 0; i < TREE_SECTIONS; i++)
        free(it->tables[i].data);
    struct map *const maps[] = {&it->declarations, &it->types, &it->names, &it->files,
                                &it->macro_places};
    for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
        map_free(maps[i]);
    free(it->ranges);
    free(it->recorded_types);
    free(it->values);
    free(it->frames);
}

/* What must not come or go while the tree is true. */
static bool note_search(struct recorder *it, const struct record_request *request)
{
    const size_t count = it->tables[TREE_FILES].count - 1;
    struct source **const files = must_alloc((count + 1) * sizeof(*files));
    const char **const paths = must_alloc((count + 1) * sizeof(*paths));
    struct search search = {0};
    for (size_t i = 0; i < count; i++) {
        const struct tree_name *const name = name_at(it, file_at(it, (uint32_t)i + 1)->name);
        paths[i] = compdb_path(it->unit->command,
                               intern_n(it->tables[TREE_TEXT].data + name->offset, name->length));
        files[i] = source_get(paths[i]);
        it->changed |= !files[i];
    }
    const bool known =
        !it->changed && search_of_unit(&search, it->unit->command, request->arguments,
                                       request->argument_count, files, paths, count);
    for (size_t i = 0; known && i < search.count; i++) {
        const struct tree_probe probe = {record_name(it, search.probes[i].directory),
                                         record_name(it, search.probes[i].name),
                                         search_is_present(&search.probes[i])};
        record_add(it, TREE_PROBES, &probe);
    }
    free(search.probes);
    free(files);
    free(paths);
    return known && !search_was_overtaken();
}

struct tree_header *record_unit(struct unit *unit, CXTranslationUnit tu,
                                struct record_request *request)
{
    struct recorder it = {.unit = unit, .tu = tu, .planned = request->planned};
    struct record_frame root = {.node = ROOT_NODE};
    void *context[] = {&it, &root};
    begin(&it);
    record_inclusions(&it);
    clang_visitChildren(clang_getTranslationUnitCursor(tu), on_declaration, context);
    record_parts_of_types(&it);
    request->keep = request->keep && note_search(&it, request);
    struct table *const lacking = &it.tables[TREE_LACKING];
    if (lacking->count)
        qsort(lacking->data, lacking->count, sizeof(uint64_t), compare_hashes);
    const unsigned vector_bytes =
        record_has_wide_vectors(&it) ? request->vector_bytes(unit, request) : 16;
    struct tree_header *const made = tree_assemble(it.tables, request->key, vector_bytes);
    end(&it);
    return made;
}
