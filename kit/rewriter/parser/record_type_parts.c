#include "record_type_parts.h"

#include <stdlib.h>

#include "record_declarations.h"
#include "record_places.h"
#include "record_types.h"

static uint32_t element_type(struct recorder *it, CXType type, struct tree_type *made)
{
    made->count = type.kind == CXType_ConstantArray ? clang_getArraySize(type) : -1;
    return record_type(it,
                       type.kind == CXType_Complex || type.kind == CXType_Vector ||
                               type.kind == CXType_ExtVector
                           ? clang_getElementType(type)
                           : clang_getArrayElementType(type),
                       false);
}

static uint32_t function_type(struct recorder *it, CXType type, struct tree_type *made)
{
    const int count = clang_getNumArgTypes(type);
    uint32_t *const arguments = must_alloc((count > 0 ? (size_t)count : 1) * sizeof(*arguments));
    for (int i = 0; i < count; i++)
        record_note_value(it,
                          arguments[i] = record_type_text(it, clang_getArgType(type, (unsigned)i)));
    made->arguments = (uint32_t)it->tables[TREE_ARGUMENTS].count;
    made->argument_count = count > 0 ? (uint32_t)count : 0;
    for (int i = 0; i < count; i++)
        record_add(it, TREE_ARGUMENTS, &arguments[i]);
    free(arguments);
    if (clang_isFunctionTypeVariadic(type))
        made->flags |= TYPE_VARIADIC;
    made->convention = (uint8_t)clang_getFunctionTypeCallingConv(type);
    const uint32_t result = record_type_text(it, clang_getResultType(type));
    record_note_value(it, result);
    return result;
}

static void fill(struct recorder *it, uint32_t at)
{
    const CXType type = it->recorded_types[at].clang;
    struct tree_type made = *type_entry(it, at);
    const enum CXTypeKind kind = (enum CXTypeKind)type_entry(it, made.canonical)->kind;
    if (kind == CXType_Unexposed || kind == CXType_Overload || kind == CXType_Dependent) {
        type_entry(it, record_type_text(it, type))->unqualified = at;
        return; /* that of a builtin's name: libclang crashes if it is asked for the size */
    }
    made.align = clang_Type_getAlignOf(type);
    if (made.canonical != at) {
        type_entry(it, at)->align = made.align;
        return;
    }
    made.flags = (clang_isConstQualifiedType(type) ? TYPE_CONST : 0) |
                 (clang_isVolatileQualifiedType(type) ? TYPE_VOLATILE : 0);
    made.size = clang_Type_getSizeOf(type);
    made.unqualified = record_type(it, clang_getUnqualifiedType(type), false);
    if (!made.text && made.unqualified == at)
        made.text = record_string(it, clang_getTypeSpelling(type));
    switch (type.kind) {
    case CXType_Pointer:
    case CXType_BlockPointer:
        made.inner = record_type(it, clang_getPointeeType(type), false);
        break;
    case CXType_ConstantArray:
    case CXType_IncompleteArray:
    case CXType_VariableArray:
    case CXType_Vector:
    case CXType_ExtVector:
    case CXType_Complex:
        made.inner = element_type(it, type, &made);
        break;
    case CXType_Atomic:
        made.inner = record_type(it, clang_Type_getValueType(type), false);
        break;
    case CXType_FunctionProto:
    case CXType_FunctionNoProto:
        made.inner = function_type(it, type, &made);
        break;
    case CXType_Record:
    case CXType_Enum:
        made.declaration = record_declaration(it, clang_getTypeDeclaration(type));
        break;
    default:
        break;
    }
    *type_entry(it, at) = made;
    /* Behind a pointer, records of the system are looked at only from outside. */
    if (type.kind == CXType_Record &&
        !record_is_system(it, clang_getCursorLocation(clang_getTypeDeclaration(type))))
        record_note_value(it, at);
}

struct fields {
    struct recorder *recorder;
    uint32_t *nodes;
    size_t count, capacity;
};

static enum CXVisitorResult add_field(CXCursor field, CXClientData data)
{
    struct fields *const it = data;
    const uint32_t node = record_declaration(it->recorder, field);
    struct tree_declaration *const made = declaration_at(it->recorder, node);
    made->bit_offset = clang_Cursor_getOffsetOfField(field);
    made->bit_width = clang_getFieldDeclBitWidth(field);
    made->flags |= clang_Cursor_isBitField(field) ? DECLARATION_BIT_FIELD : 0;
    *PUSH(it->nodes, it->count, it->capacity) = node;
    return CXVisit_Continue;
}

static void add_fields(struct recorder *it, uint32_t at)
{
    const uint32_t record = type_entry(it, at)->declaration;
    if (!(node_at(it, record)->flags & NODE_DECLARES) || declaration_at(it, record)->argument_count)
        return;
    struct fields fields = {.recorder = it};
    clang_Type_visitFields(it->recorded_types[at].clang, add_field, &fields);
    struct tree_declaration *const made = declaration_at(it, record);
    made->arguments = (uint32_t)it->tables[TREE_ARGUMENTS].count;
    made->argument_count = (uint32_t)fields.count;
    for (size_t i = 0; i < fields.count; i++)
        record_add(it, TREE_ARGUMENTS, &fields.nodes[i]);
    free(fields.nodes);
}

static void add_parts(struct recorder *it, uint32_t at)
{
    switch (type_entry(it, at)->kind) {
    case CXType_Record:
        add_fields(it, at);
        break;
    case CXType_ConstantArray:
    case CXType_IncompleteArray:
    case CXType_VariableArray:
    case CXType_Atomic:
        record_note_value(it, type_entry(it, at)->inner);
        break;
    default:
        break;
    }
}

void record_parts_of_types(struct recorder *it)
{
    for (;;) {
        if (it->filled < it->tables[TREE_TYPES].count)
            fill(it, (uint32_t)it->filled++);
        else if (it->value_count)
            add_parts(it, it->values[--it->value_count]);
        else
            return;
    }
}

bool record_has_wide_vectors(const struct recorder *it)
{
    for (uint32_t i = 1; i < it->tables[TREE_TYPES].count; i++) {
        const struct tree_type *const type = type_entry(it, i);
        if ((type->kind == CXType_Vector || type->kind == CXType_ExtVector) && type->size > 16)
            return true;
    }
    return false;
}
