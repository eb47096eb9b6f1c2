#include "sysv_abi.h"

#include <stdbool.h>
#include <string.h>

#define INT_REGISTERS 6
#define SSE_REGISTERS 8
#define MAX_STACK_WORDS 16
#define MAX_SRET_BYTES 128

enum eightbyte { NO_CLASS, SSE, SSE_UP, INTEGER, MEMORY };

struct value {
    enum eightbyte classes[2];
    long long size, align;
    const char *refusal;
};

static void classify(CXType type, long long offset, struct value *value);

static void merge(struct value *value, long long offset, enum eightbyte class) {
    enum eightbyte *const at = &value->classes[offset / 8 % 2];
    if (class > *at)
        *at = class;
}

struct field_walk {
    struct value *value;
    long long offset;   /* of the record, in bytes */
};

static enum CXVisitorResult classify_field(CXCursor field, CXClientData data) {
    const struct field_walk *const walk = data;
    const long long bits = clang_Cursor_getOffsetOfField(field);
    if (clang_Cursor_isBitField(field)) {
        const int width = clang_getFieldDeclBitWidth(field);
        if (width > 0) {
            merge(walk->value, walk->offset + bits / 8, INTEGER);
            merge(walk->value, walk->offset + (bits + width - 1) / 8, INTEGER);
        }
        return CXVisit_Continue;
    }
    const CXType type = clang_getCursorType(field);
    const long long align = clang_Type_getAlignOf(type);
    if (align > 0 && (walk->offset + bits / 8) % align)   /* packed */
        walk->value->classes[0] = MEMORY;
    else
        classify(type, walk->offset + bits / 8, walk->value);
    return CXVisit_Continue;
}

static void classify_array(CXType type, long long offset, struct value *value) {
    const CXType element = clang_getArrayElementType(type);
    const long long size = clang_Type_getSizeOf(element), count = clang_getArraySize(type);
    for (long long i = 0; size > 0 && i < count && offset + i * size < 16; i++)
        classify(element, offset + i * size, value);
}

static void classify(CXType type, long long offset, struct value *value) {
    type = clang_getCanonicalType(type);
    const long long size = clang_Type_getSizeOf(type);
    switch (type.kind) {
    case CXType_Void:
        break;
    case CXType_Float:
    case CXType_Double:
    case CXType_Float16:
    case CXType_Half:
    case CXType_BFloat16:
        merge(value, offset, SSE);
        break;
    case CXType_Vector:
    case CXType_ExtVector:
        if (size > 16)
            value->refusal = "a vector wider than 16 bytes crosses the boundary";
        /* fall through */
    case CXType_Float128:
        merge(value, offset, SSE);
        if (size > 8)
            merge(value, offset + 8, SSE_UP);
        break;
    case CXType_LongDouble:
        value->refusal = "long double crosses the boundary";
        break;
    case CXType_Complex:
        value->refusal = "_Complex crosses the boundary";
        break;
    case CXType_Atomic:
        classify(clang_Type_getValueType(type), offset, value);
        break;
    case CXType_ConstantArray:
        classify_array(type, offset, value);
        break;
    case CXType_IncompleteArray:
        break;
    case CXType_Record: {
        struct field_walk walk = { value, offset };
        clang_Type_visitFields(type, classify_field, &walk);
        break;
    }
    default:   /* integers, enums, pointers */
        merge(value, offset, INTEGER);
        if (size > 8)
            merge(value, offset + 8, INTEGER);
        break;
    }
}

static struct value value_of(CXType type) {
    struct value value = { .size = clang_Type_getSizeOf(type), .align = clang_Type_getAlignOf(type) };
    type = clang_getCanonicalType(type);
    if (type.kind == CXType_Void) {
        value.size = 0;
        return value;
    }
    if (value.size < 0) {
        value.refusal = "a value of incomplete type crosses the boundary";
        return value;
    }
    classify(type, 0, &value);
    if (value.size > 16 || value.classes[0] == MEMORY || value.classes[1] == MEMORY)
        value.classes[0] = MEMORY;
    return value;
}

static void count(const struct value *value, unsigned *ints, unsigned *sses) {
    *ints = (unsigned)(value->classes[0] == INTEGER) + (unsigned)(value->classes[1] == INTEGER);
    *sses = (unsigned)(value->classes[0] == SSE) + (unsigned)(value->classes[1] == SSE);
}

static const char *place_result(CXType type, struct shape *shape) {
    const struct value value = value_of(type);
    if (value.refusal)
        return value.refusal;
    if (value.classes[0] != MEMORY) {
        count(&value, &shape->ret_int, &shape->ret_sse);
        return NULL;
    }
    if (value.size > MAX_SRET_BYTES)
        return "the result is larger than 128 bytes";
    shape->sret_bytes = (unsigned)value.size;
    shape->args_int = shape->ret_int = 1;
    return NULL;
}

static const char *place_argument(CXType type, struct shape *shape) {
    const struct value value = value_of(type);
    unsigned ints, sses;
    if (value.refusal)
        return value.refusal;
    if (value.size == 0)
        return NULL;
    count(&value, &ints, &sses);
    if (value.classes[0] != MEMORY && shape->args_int + ints <= INT_REGISTERS && shape->args_sse + sses <= SSE_REGISTERS) {
        shape->args_int += ints;
        shape->args_sse += sses;
        return NULL;
    }
    if (value.align > 16)
        return "an argument aligned to more than 16 bytes is passed on the stack";
    if (value.align == 16 && shape->stack_words % 2)
        shape->stack_words++;
    shape->stack_words += (unsigned)((value.size + 7) / 8);
    return shape->stack_words > MAX_STACK_WORDS ? "more than 16 words of arguments are passed on the stack" : NULL;
}

const char *sysv_shape(CXType function, struct shape *shape) {
    memset(shape, 0, sizeof(*shape));
    function = clang_getCanonicalType(function);
    if (function.kind == CXType_FunctionNoProto)
        return "it has no prototype, so its arguments are not known";
    if (clang_isFunctionTypeVariadic(function))
        return "it is variadic";
    const enum CXCallingConv convention = clang_getFunctionTypeCallingConv(function);
    if (convention != CXCallingConv_C && convention != CXCallingConv_X86_64SysV && convention != CXCallingConv_Default)
        return "it has a calling convention of its own";
    const char *refusal = place_result(clang_getResultType(function), shape);
    for (int i = 0; !refusal && i < clang_getNumArgTypes(function); i++)
        refusal = place_argument(clang_getArgType(function, (unsigned)i), shape);
    return refusal;
}
