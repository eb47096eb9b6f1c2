/* Reading a tree. */
#include "tree.h"

#include "base/diag.h"
#include "base/intern.h"
#include "tree_image.h"

static const struct tree_node nothing = {.kind = CXCursor_InvalidFile};
static const struct tree_declaration no_declaration = {.storage = CX_SC_Invalid};

static const struct tree_node *node_of(struct cursor cursor)
{
    return cursor.tree ? &cursor.tree->nodes[cursor.at] : &nothing;
}

static const struct tree_declaration *declaration_of(struct cursor cursor)
{
    const struct tree_node *const node = node_of(cursor);
    return node->flags & NODE_DECLARES ? &cursor.tree->declarations[node->reference]
                                       : &no_declaration;
}

static const struct tree_type *entry_of(struct type type)
{
    return type.at ? &type.tree->types[type.at] : &tree_no_type;
}

static struct cursor cursor_at(const struct tree *tree, uint32_t at)
{
    return at ? (struct cursor){tree, at} : no_cursor();
}

static struct type type_at(const struct tree *tree, uint32_t at)
{
    return (struct type){at ? (enum CXTypeKind)tree->types[at].kind : CXType_Invalid, at, tree};
}

uint64_t cursor_key(struct cursor cursor)
{
    return key_of(node_of(cursor));
}

uint64_t type_key(struct type type)
{
    return key_of(entry_of(type));
}

bool is_scope_or_jump(enum CXCursorKind kind)
{
    switch (kind) {
    case CXCursor_CompoundStmt:
    case CXCursor_ForStmt:
    case CXCursor_SwitchStmt:
    case CXCursor_CaseStmt:
    case CXCursor_DefaultStmt:
    case CXCursor_LabelStmt:
    case CXCursor_GotoStmt:
    case CXCursor_IndirectGotoStmt:
        return true;
    default:
        return false;
    }
}

enum CXCursorKind cursor_kind(struct cursor cursor)
{
    return (enum CXCursorKind)node_of(cursor)->kind;
}

struct type cursor_type(struct cursor cursor)
{
    return type_at(cursor.tree, node_of(cursor)->type);
}

struct location cursor_location(struct cursor cursor)
{
    return (struct location){cursor.tree, node_of(cursor)->location};
}

static const struct tree_extent *extent_of(struct cursor cursor)
{
    static const struct tree_extent nowhere;
    const struct tree_node *const node = node_of(cursor);
    if (cursor.tree && !node->extent)
        diag_fatal("internal error: the extent of %s (kind %d) is not in the tree",
                   cursor_name(cursor), node->kind);
    return cursor.tree ? &cursor.tree->extents[node->extent] : &nowhere;
}

struct location cursor_begin(struct cursor cursor)
{
    return (struct location){cursor.tree, extent_of(cursor)->begin};
}

struct location cursor_end(struct cursor cursor)
{
    return (struct location){cursor.tree, extent_of(cursor)->end};
}

struct cursor cursor_referenced(struct cursor cursor)
{
    const struct tree_node *const node = node_of(cursor);
    return node->flags & NODE_DECLARES ? cursor : cursor_at(cursor.tree, node->reference);
}

const char *cursor_name(struct cursor cursor)
{
    const struct tree_node *const node = node_of(cursor);
    if (node->flags & NODE_NAMED)
        return tree_name(cursor.tree, node->value);
    const struct cursor declaration = cursor_referenced(cursor);
    return cursor_is_null(declaration) ? intern("")
                                       : tree_name(cursor.tree, declaration_of(declaration)->name);
}

enum CXUnaryOperatorKind cursor_unary_operator(struct cursor cursor)
{
    const struct tree_node *const node = node_of(cursor);
    return node->kind == CXCursor_UnaryOperator ? (enum CXUnaryOperatorKind)node->operator
        : CXUnaryOperator_Invalid;
}

enum CXBinaryOperatorKind cursor_binary_operator(struct cursor cursor)
{
    const struct tree_node *const node = node_of(cursor);
    return node->kind == CXCursor_BinaryOperator || node->kind == CXCursor_CompoundAssignOperator
        ? (enum CXBinaryOperatorKind)node->operator: CXBinaryOperator_Invalid;
}

bool cursor_integer(struct cursor cursor, long long *value)
{
    const struct tree_node *const node = node_of(cursor);
    if (!(node->flags & NODE_CONSTANT))
        return false;
    *value = cursor.tree->constants[node->value];
    return true;
}

int cursor_argument_count(struct cursor cursor)
{
    const struct tree_node *const node = node_of(cursor);
    if (node->flags & NODE_DECLARES)
        return (int)declaration_of(cursor)->argument_count;
    int count = -1; /* the callee is a child too */
    if (node->kind == CXCursor_CallExpr)
        for (uint32_t child = node->child; child; child = cursor.tree->nodes[child].next)
            count++;
    return count;
}

struct cursor cursor_argument(struct cursor cursor, unsigned index)
{
    const struct tree_node *const node = node_of(cursor);
    if (node->flags & NODE_DECLARES) {
        const struct tree_declaration *const declaration = declaration_of(cursor);
        return index < declaration->argument_count
                   ? cursor_at(cursor.tree, cursor.tree->arguments[declaration->arguments + index])
                   : no_cursor();
    }
    uint32_t child =
        node->kind == CXCursor_CallExpr && node->child ? cursor.tree->nodes[node->child].next : 0;
    for (; child && index > 0; index--)
        child = cursor.tree->nodes[child].next;
    return cursor_at(cursor.tree, child);
}

enum CXLinkageKind cursor_linkage(struct cursor cursor)
{
    return (enum CXLinkageKind)declaration_of(cursor)->linkage;
}

enum CX_StorageClass cursor_storage(struct cursor cursor)
{
    return (enum CX_StorageClass)declaration_of(cursor)->storage;
}

enum CXTLSKind cursor_tls(struct cursor cursor)
{
    return (enum CXTLSKind)declaration_of(cursor)->tls;
}

static bool has_flag(struct cursor cursor, unsigned flag)
{
    return declaration_of(cursor)->flags & flag;
}

bool cursor_is_definition(struct cursor cursor)
{
    return has_flag(cursor, DECLARATION_DEFINES);
}

bool cursor_is_inline(struct cursor cursor)
{
    return has_flag(cursor, DECLARATION_INLINE);
}

bool cursor_is_anonymous(struct cursor cursor)
{
    return has_flag(cursor, DECLARATION_ANONYMOUS);
}

bool cursor_has_attributes(struct cursor cursor)
{
    return has_flag(cursor, DECLARATION_ATTRIBUTES);
}

bool in_system_header(struct cursor cursor)
{
    return has_flag(cursor, DECLARATION_SYSTEM);
}

bool cursor_is_bit_field(struct cursor field)
{
    return has_flag(field, DECLARATION_BIT_FIELD);
}

struct type cursor_result_type(struct cursor function)
{
    return type_result(type_canonical(cursor_type(function)));
}

struct cursor cursor_canonical(struct cursor cursor)
{
    const uint32_t canonical = declaration_of(cursor)->canonical;
    return canonical ? cursor_at(cursor.tree, canonical) : cursor;
}

struct cursor cursor_definition(struct cursor cursor)
{
    return cursor_at(cursor.tree, declaration_of(cursor_canonical(cursor))->definition);
}

struct cursor cursor_parent(struct cursor cursor)
{
    return cursor_at(cursor.tree, declaration_of(cursor)->parent);
}

struct cursor cursor_initializer(struct cursor variable)
{
    return cursor_at(variable.tree, declaration_of(variable)->initializer);
}

const char *cursor_symbol(struct cursor function)
{
    return tree_name(function.tree, declaration_of(function)->symbol);
}

int cursor_bit_width(struct cursor field)
{
    return declaration_of(field)->bit_width;
}

long long cursor_bit_offset(struct cursor field)
{
    return declaration_of(field)->bit_offset;
}

/* Whether the visitor wants no more. */
static bool visit(struct cursor parent, cursor_visitor *visitor, void *data)
{
    const struct tree_node *const nodes = parent.tree->nodes;
    for (uint32_t child = nodes[parent.at].child; child; child = nodes[child].next) {
        const struct cursor cursor = {parent.tree, child};
        const enum CXChildVisitResult result = visitor(cursor, parent, data);
        if (result == CXChildVisit_Break ||
            (result == CXChildVisit_Recurse && visit(cursor, visitor, data)))
            return true;
    }
    return false;
}

bool cursor_visit(struct cursor parent, cursor_visitor *visitor, void *data)
{
    return parent.tree && visit(parent, visitor, data);
}

void tree_visit_all(const struct tree *tree, void (*found)(void *context, struct cursor cursor),
                    void *context)
{
    for (uint32_t at = ROOT_NODE + 1; at < tree_count(tree, TREE_NODES); at++)
        found(context, cursor_at(tree, at));
}

struct type type_canonical(struct type type)
{
    return type_at(type.tree, entry_of(type)->canonical);
}

struct type type_unqualified(struct type type)
{
    return type_at(type.tree, entry_of(type)->unqualified);
}

/* What a type of one of these kinds is made of. */
static struct type inner(struct type type, enum CXTypeKind first, enum CXTypeKind second)
{
    return type_at(type.tree,
                   type.kind == first || type.kind == second ? entry_of(type)->inner : 0);
}

struct type type_pointee(struct type type)
{
    return inner(type, CXType_Pointer, CXType_BlockPointer);
}

struct type type_element(struct type type)
{
    switch (type.kind) {
    case CXType_ConstantArray:
    case CXType_IncompleteArray:
    case CXType_VariableArray:
    case CXType_Vector:
    case CXType_ExtVector:
    case CXType_Complex:
        return type_at(type.tree, entry_of(type)->inner);
    default:
        return type_at(type.tree, 0);
    }
}

struct type type_value(struct type type)
{
    return inner(type, CXType_Atomic, CXType_Atomic);
}

struct type type_result(struct type type)
{
    return inner(type, CXType_FunctionProto, CXType_FunctionNoProto);
}

int type_argument_count(struct type type)
{
    return type.kind == CXType_FunctionProto || type.kind == CXType_FunctionNoProto
               ? (int)entry_of(type)->argument_count
               : -1;
}

struct type type_argument(struct type type, unsigned index)
{
    const struct tree_type *const entry = entry_of(type);
    return type_at(type.tree, index < entry->argument_count
                                  ? type.tree->arguments[entry->arguments + index]
                                  : 0);
}

bool type_is_variadic(struct type type)
{
    return entry_of(type)->flags & TYPE_VARIADIC;
}

enum CXCallingConv type_convention(struct type type)
{
    return (enum CXCallingConv)entry_of(type)->convention;
}

bool type_is_const(struct type type)
{
    return entry_of(type)->flags & TYPE_CONST;
}

bool type_is_volatile(struct type type)
{
    return entry_of(type)->flags & TYPE_VOLATILE;
}

bool type_equal(struct type a, struct type b)
{
    return a.tree == b.tree && a.at == b.at;
}

long long type_size(struct type type)
{
    return entry_of(type_canonical(type))->size;
}

long long type_align(struct type type)
{
    return entry_of(type)->align;
}

long long type_count(struct type array)
{
    return entry_of(array)->count;
}

struct cursor type_declaration(struct type type)
{
    const uint32_t declaration = entry_of(type)->declaration;
    return cursor_at(type.tree, declaration ? declaration : type.tree ? NO_DECLARATION_NODE : 0);
}

const char *type_text(struct type type)
{
    const uint32_t text = entry_of(type)->text;
    if (type.at && !text)
        diag_fatal("internal error: the spelling of a type (kind %d) is not in the tree",
                   type.kind);
    return tree_name(type.tree, text);
}

void type_visit_fields(struct type type, field_visitor *visitor, void *data)
{
    const struct tree_declaration *const record =
        declaration_of(type_declaration(type_canonical(type)));
    for (uint32_t i = 0; i < record->argument_count; i++)
        if (visitor(cursor_at(type.tree, type.tree->arguments[record->arguments + i]), data) ==
            CXVisit_Break)
            return;
}

struct spots location_spots(struct location location)
{
    if (!location.at)
        return (struct spots){0};
    if (location.at & MACRO_LOCATION) {
        const struct tree_place *const tree_place =
            &location.tree->places[location.at & ~MACRO_LOCATION];
        return (struct spots){{tree_place->spelling_file, tree_place->spelling_offset},
                              {tree_place->seen_file, tree_place->seen_offset},
                              {tree_place->expansion_file, tree_place->expansion_offset},
                              true};
    }
    uint32_t low = 0, high = (uint32_t)tree_count(location.tree, TREE_FILES) - 1; /* bases rise */
    while (low < high) {
        const uint32_t middle = low + (high - low + 1) / 2;
        if (location.tree->files[middle].base <= location.at)
            low = middle;
        else
            high = middle - 1;
    }
    const struct spot spot = {low, location.at - location.tree->files[low].base};
    return (struct spots){spot, spot, spot, false};
}

bool location_spelled_in_system_header(struct location location)
{
    if (!location.at)
        return false;
    return location.at & MACRO_LOCATION
               ? location.tree->places[location.at & ~MACRO_LOCATION].spelled_in_system_header
               : location.tree->files[location_spots(location).spelling.file].system;
}

const char *tree_file_name(const struct tree *tree, uint32_t file)
{
    return tree_name(tree, tree->files[file].name);
}

const char *tree_file_real_name(const struct tree *tree, uint32_t file)
{
    return tree_name(tree, tree->files[file].real_name);
}

struct cursor tree_root(const struct tree *tree)
{
    return cursor_at(tree, ROOT_NODE);
}

unsigned tree_vector_bytes(const struct tree *tree)
{
    return (unsigned)tree->header->vector_bytes;
}

const struct tree_inclusion *tree_inclusions(const struct tree *tree, size_t *count)
{
    *count = tree_count(tree, TREE_INCLUSIONS);
    return tree->inclusions;
}

bool tree_lacks(const struct tree *tree, uint64_t hash)
{
    size_t low = 0, high = tree_count(tree, TREE_LACKING);
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (tree->lacking[middle] < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low < tree_count(tree, TREE_LACKING) && tree->lacking[low] == hash;
}
