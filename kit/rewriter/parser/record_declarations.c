#include "record_declarations.h"

#include "record_places.h"
#include "record_types.h"

bool record_is_declaration(enum CXCursorKind kind)
{
    switch (kind) {
    case CXCursor_FunctionDecl:
    case CXCursor_VarDecl:
    case CXCursor_ParmDecl:
    case CXCursor_FieldDecl:
    case CXCursor_EnumConstantDecl:
    case CXCursor_StructDecl:
    case CXCursor_UnionDecl:
    case CXCursor_EnumDecl:
    case CXCursor_TypedefDecl:
        return true;
    default:
        return false;
    }
}

static bool is_function_pointer(CXType type)
{
    type = clang_getCanonicalType(type);
    if (type.kind == CXType_Atomic)
        type = clang_getCanonicalType(clang_Type_getValueType(type));
    if (type.kind == CXType_Pointer)
        type = clang_getCanonicalType(clang_getPointeeType(type));
    return type.kind == CXType_FunctionProto || type.kind == CXType_FunctionNoProto;
}

/* The names of a function pointer's parameters, and the typedef that may have them instead. */
static enum CXChildVisitResult add_parameter(CXCursor child, CXCursor parent, CXClientData data)
{
    void **const context = data;
    struct recorder *const recorder = context[0];
    struct record_frame *const frame = context[1];
    const enum CXCursorKind kind = clang_getCursorKind(child);
    (void)parent;
    if (kind == CXCursor_ParmDecl) {
        record_set_name(recorder, record_child(recorder, frame, kind), child);
    } else if (kind == CXCursor_TypeRef) {
        const uint32_t node = record_child(recorder, frame, kind),
                       reference = record_declaration(recorder, clang_getCursorReferenced(child));
        node_at(recorder, node)->reference = reference;
    }
    return CXChildVisit_Continue;
}

/* Not known of what the walk visits: it adds them itself. */
static enum CXChildVisitResult add_attribute(CXCursor child, CXCursor parent, CXClientData data)
{
    void **const context = data;
    struct recorder *const recorder = context[0];
    const enum CXCursorKind kind = clang_getCursorKind(child);
    (void)parent;
    if (!clang_isAttribute(kind))
        return CXChildVisit_Continue;
    const uint32_t node = record_child(recorder, context[1], kind),
                   location = record_location(recorder, clang_getCursorLocation(child));
    node_at(recorder, node)->location = location;
    if (kind == CXCursor_AnnotateAttr)
        record_set_name(recorder, node, child);
    return CXChildVisit_Continue;
}

static void declare_function(struct recorder *recorder, struct tree_declaration *made,
                             CXCursor cursor)
{
    made->flags |= clang_isCursorDefinition(cursor) ? DECLARATION_DEFINES : 0;
    made->flags |= clang_Cursor_isFunctionInlined(cursor) ? DECLARATION_INLINE : 0;
    made->flags |= clang_Cursor_hasAttrs(cursor) ? DECLARATION_ATTRIBUTES : 0;
    made->linkage = (uint8_t)clang_getCursorLinkage(cursor);
    made->storage = (uint8_t)clang_Cursor_getStorageClass(cursor);
    const CXCursor canonical = clang_getCanonicalCursor(cursor);
    if (!clang_equalCursors(canonical, cursor))
        made->canonical = record_declaration(recorder, canonical);
}

static void declare_variable(struct recorder *recorder, struct tree_declaration *made,
                             CXCursor cursor)
{
    declare_function(recorder, made, cursor);
    made->tls = (uint32_t)clang_getCursorTLSKind(cursor);
    made->parent = record_declaration(recorder, clang_getCursorSemanticParent(cursor));
}

void record_declare(struct recorder *recorder, uint32_t node, CXCursor cursor,
                    enum CXCursorKind kind)
{
    struct tree_declaration made = {.name =
                                        record_string(recorder, clang_getCursorSpelling(cursor))};
    const CXSourceLocation place = clang_getCursorLocation(cursor);
    const CXType clang_type = clang_getCursorType(cursor);
    const uint32_t location = record_location(recorder, place);
    uint32_t type = 0;
    made.flags = record_is_system(recorder, place) ? DECLARATION_SYSTEM : 0;
    switch (kind) {
    case CXCursor_FunctionDecl:
        type = record_type_text(recorder, clang_type);
        declare_function(recorder, &made, cursor);
        break;
    case CXCursor_VarDecl:
        type = record_type_text(recorder, clang_type);
        record_type_text(recorder, clang_getCanonicalType(clang_type));
        record_type(recorder, clang_type, true);
        declare_variable(recorder, &made, cursor);
        break;
    case CXCursor_ParmDecl:
        type = record_type_text(recorder, clang_type);
        record_type(recorder, clang_type, true);
        made.linkage = CXLinkage_NoLinkage;
        made.parent = record_declaration(recorder, clang_getCursorSemanticParent(cursor));
        break;
    case CXCursor_FieldDecl:
        type = record_type(recorder, clang_type, true);
        made.parent = record_declaration(recorder, clang_getCursorSemanticParent(cursor));
        break;
    case CXCursor_StructDecl:
    case CXCursor_UnionDecl:
    case CXCursor_EnumDecl:
        type = record_type(recorder, clang_type, false);
        made.flags |= clang_isCursorDefinition(cursor) ? DECLARATION_DEFINES : 0;
        made.flags |= clang_Cursor_isAnonymous(cursor) ? DECLARATION_ANONYMOUS : 0;
        made.parent = record_declaration(recorder, clang_getCursorSemanticParent(cursor));
        break;
    case CXCursor_TypedefDecl:
        type = record_type(recorder, clang_type, false);
        break;
    default:
        break;
    }
    const uint32_t declaration = record_add(recorder, TREE_DECLARATIONS, &made);
    struct tree_node *const at = node_at(recorder, node);
    at->flags |= NODE_DECLARES;
    at->reference = declaration;
    at->type = type;
    at->location = location;
}

uint32_t record_declaration(struct recorder *recorder, CXCursor cursor)
{
    const enum CXCursorKind kind = clang_getCursorKind(cursor);
    if (kind == CXCursor_TranslationUnit)
        return ROOT_NODE;
    if (kind == CXCursor_NoDeclFound)
        return NO_DECLARATION_NODE;
    if (!record_is_declaration(kind))
        return 0;
    uint32_t node = (uint32_t)(uintptr_t)map_get(&recorder->declarations, key_of(cursor.data[0]));
    if (node)
        return node;
    node = record_node(recorder, kind);
    map_put(&recorder->declarations, key_of(cursor.data[0]), (void *)(uintptr_t)node);
    record_declare(recorder, node, cursor, kind);
    struct record_frame frame = {.node = node};
    void *context[] = {recorder, &frame};
    if ((kind == CXCursor_FieldDecl || kind == CXCursor_TypedefDecl) &&
        is_function_pointer(clang_getCursorType(cursor)))
        clang_visitChildren(cursor, add_parameter, context);
    else if (kind == CXCursor_FunctionDecl || kind == CXCursor_VarDecl)
        clang_visitChildren(cursor, add_attribute, context);
    return node;
}
