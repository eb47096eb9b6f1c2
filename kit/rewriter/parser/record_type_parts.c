#include "record_type_parts.h"

#include <stdlib.h>
#include <string.h>

#include "record_declarations.h"
#include "record_places.h"
#include "record_types.h"
#include "tree/libc_records.h"

static uint32_t element_type(struct recorder *recorder, CXType type, struct tree_type *made)
{
    made->count = type.kind == CXType_ConstantArray ? clang_getArraySize(type) : -1;
    return record_type(recorder,
                       type.kind == CXType_Complex || type.kind == CXType_Vector ||
                               type.kind == CXType_ExtVector
                           ? clang_getElementType(type)
                           : clang_getArrayElementType(type),
                       false);
}

static uint32_t function_type(struct recorder *recorder, CXType type, struct tree_type *made)
{
    const int count = clang_getNumArgTypes(type);
    uint32_t *const arguments = must_alloc((count > 0 ? (size_t)count : 1) * sizeof(*arguments));
    for (int i = 0; i < count; i++)
        record_note_value(recorder, arguments[i] = record_type_text(
                                        recorder, clang_getArgType(type, (unsigned)i)));
    made->arguments = (uint32_t)recorder->tables[TREE_ARGUMENTS].count;
    made->argument_count = count > 0 ? (uint32_t)count : 0;
    for (int i = 0; i < count; i++)
        record_add(recorder, TREE_ARGUMENTS, &arguments[i]);
    free(arguments);
    if (clang_isFunctionTypeVariadic(type))
        made->flags |= TYPE_VARIADIC;
    made->convention = (uint8_t)clang_getFunctionTypeCallingConv(type);
    const uint32_t result = record_type_text(recorder, clang_getResultType(type));
    record_note_value(recorder, result);
    return result;
}

static bool is_callback_record(CXType type)
{
    CXString spelling = clang_getTypeSpelling(type);
    const char *text = clang_getCString(spelling);
    const bool found = is_libc_callback_record(strncmp(text, "const ", 6) ? text : text + 6);
    clang_disposeString(spelling);
    return found;
}

static void fill(struct recorder *recorder, uint32_t at)
{
    const CXType type = recorder->recorded_types[at].clang;
    struct tree_type made = *type_entry(recorder, at);
    const enum CXTypeKind kind = (enum CXTypeKind)type_entry(recorder, made.canonical)->kind;
    if (kind == CXType_Unexposed || kind == CXType_Overload || kind == CXType_Dependent) {
        type_entry(recorder, record_type_text(recorder, type))->unqualified = at;
        return; /* that of a builtin's name: libclang crashes if it is asked for the size */
    }
    made.align = clang_Type_getAlignOf(type);
    if (made.canonical != at) {
        type_entry(recorder, at)->align = made.align;
        return;
    }
    made.flags = (clang_isConstQualifiedType(type) ? TYPE_CONST : 0) |
                 (clang_isVolatileQualifiedType(type) ? TYPE_VOLATILE : 0);
    made.size = clang_Type_getSizeOf(type);
    made.unqualified = record_type(recorder, clang_getUnqualifiedType(type), false);
    if (!made.text && made.unqualified == at)
        made.text = record_string(recorder, clang_getTypeSpelling(type));
    switch (type.kind) {
    case CXType_Pointer:
    case CXType_BlockPointer:
        made.inner = record_type(recorder, clang_getPointeeType(type), false);
        break;
    case CXType_ConstantArray:
    case CXType_IncompleteArray:
    case CXType_VariableArray:
    case CXType_Vector:
    case CXType_ExtVector:
    case CXType_Complex:
        made.inner = element_type(recorder, type, &made);
        break;
    case CXType_Atomic:
        made.inner = record_type(recorder, clang_Type_getValueType(type), false);
        break;
    case CXType_FunctionProto:
    case CXType_FunctionNoProto:
        made.inner = function_type(recorder, type, &made);
        break;
    case CXType_Record:
    case CXType_Enum:
        made.declaration = record_declaration(recorder, clang_getTypeDeclaration(type));
        break;
    default:
        break;
    }
    *type_entry(recorder, at) = made;
    /* Behind a pointer, most records of the system are looked at only from outside. */
    if (type.kind == CXType_Record &&
        (!record_is_system(recorder, clang_getCursorLocation(clang_getTypeDeclaration(type))) ||
         is_callback_record(type)))
        record_note_value(recorder, at);
}

struct fields {
    struct recorder *recorder;
    uint32_t *nodes;
    size_t count, capacity;
};

static enum CXVisitorResult add_field(CXCursor field, CXClientData data)
{
    struct fields *const fields = data;
    const uint32_t node = record_declaration(fields->recorder, field);
    struct tree_declaration *const made = declaration_at(fields->recorder, node);
    made->bit_offset = clang_Cursor_getOffsetOfField(field);
    made->bit_width = clang_getFieldDeclBitWidth(field);
    made->flags |= clang_Cursor_isBitField(field) ? DECLARATION_BIT_FIELD : 0;
    *PUSH(fields->nodes, fields->count, fields->capacity) = node;
    return CXVisit_Continue;
}

static void add_fields(struct recorder *recorder, uint32_t at)
{
    const uint32_t record = type_entry(recorder, at)->declaration;
    if (!(node_at(recorder, record)->flags & NODE_DECLARES) ||
        declaration_at(recorder, record)->argument_count)
        return;
    struct fields fields = {.recorder = recorder};
    clang_Type_visitFields(recorder->recorded_types[at].clang, add_field, &fields);
    struct tree_declaration *const made = declaration_at(recorder, record);
    made->arguments = (uint32_t)recorder->tables[TREE_ARGUMENTS].count;
    made->argument_count = (uint32_t)fields.count;
    for (size_t i = 0; i < fields.count; i++)
        record_add(recorder, TREE_ARGUMENTS, &fields.nodes[i]);
    free(fields.nodes);
}

static void add_parts(struct recorder *recorder, uint32_t at)
{
    switch (type_entry(recorder, at)->kind) {
    case CXType_Record:
        add_fields(recorder, at);
        break;
    case CXType_ConstantArray:
    case CXType_IncompleteArray:
    case CXType_VariableArray:
    case CXType_Atomic:
        record_note_value(recorder, type_entry(recorder, at)->inner);
        break;
    default:
        break;
    }
}

void record_parts_of_types(struct recorder *recorder)
{
    for (;;) {
        if (recorder->filled < recorder->tables[TREE_TYPES].count)
            fill(recorder, (uint32_t)recorder->filled++);
        else if (recorder->value_count)
            add_parts(recorder, recorder->values[--recorder->value_count]);
        else
            return;
    }
}

bool record_has_wide_vectors(const struct recorder *recorder)
{
    for (uint32_t i = 1; i < recorder->tables[TREE_TYPES].count; i++) {
        const struct tree_type *const type = type_entry(recorder, i);
        if ((type->kind == CXType_Vector || type->kind == CXType_ExtVector) && type->size > 16)
            return true;
    }
    return false;
}
