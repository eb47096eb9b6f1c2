#include "sysv_abi.h"

#include <string.h>

#include "parse.h"

#define INT_REGISTERS 6
#define SSE_REGISTERS 8
#define EIGHTBYTES 8   /* of the largest vector */

enum eightbyte { NO_CLASS, SSE, SSE_UP, INTEGER, X87, X87_UP, COMPLEX_X87, MEMORY };

struct value {
    enum eightbyte classes[EIGHTBYTES];
    long long size, align;
    const char *refusal;
};

static void classify(CXType type, long long offset, struct value *value);

static bool is_x87(enum eightbyte class) {
    return class == X87 || class == X87_UP || class == COMPLEX_X87;
}

static void merge(struct value *value, long long offset, enum eightbyte class) {
    if (offset / 8 >= EIGHTBYTES)
        return;   /* larger than any register: MEMORY, whatever is in it */
    enum eightbyte *const at = &value->classes[offset / 8];
    if (*at == class || class == NO_CLASS)
        return;
    if (*at == NO_CLASS || class == MEMORY)
        *at = class;
    else if (*at == INTEGER || class == INTEGER)
        *at = *at == MEMORY ? MEMORY : INTEGER;
    else if (is_x87(*at) || is_x87(class))
        *at = MEMORY;
    else if (*at != MEMORY)
        *at = SSE;
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
    for (long long i = 0; size > 0 && i < count && offset + i * size < 8 * EIGHTBYTES; i++)
        classify(element, offset + i * size, value);
}

static void classify_vector(CXType type, long long offset, long long size, struct value *value) {
    const enum CXTypeKind element = clang_getCanonicalType(clang_getElementType(type)).kind;
    if (size < 8) {   /* GCC's choice, and clang's */
        merge(value, offset, INTEGER);
        return;
    }
    if (size == 8 && (element == CXType_Double || element == CXType_Long || element == CXType_LongLong ||
                      element == CXType_ULong || element == CXType_ULongLong))
        value->refusal = "a vector of one element crosses the boundary, which compilers pass in different ways";
    merge(value, offset, SSE);
    for (long long at = 8; at < size; at += 8)
        merge(value, offset + at, SSE_UP);
}

static void classify_complex(CXType type, long long offset, long long size, struct value *value) {
    const CXType element = clang_getCanonicalType(clang_getElementType(type));
    if (element.kind == CXType_LongDouble) {
        for (long long at = 0; at < size; at += 8)
            merge(value, offset + at, COMPLEX_X87);
        return;
    }
    classify(element, offset, value);
    classify(element, offset + size / 2, value);
}

static void classify(CXType type, long long offset, struct value *value) {
    type = clang_getCanonicalType(type);
    const long long size = clang_Type_getSizeOf(type);
    switch (type.kind) {
    case CXType_Void:
    case CXType_IncompleteArray:
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
        classify_vector(type, offset, size, value);
        break;
    case CXType_Float128:
        merge(value, offset, SSE);
        merge(value, offset + 8, SSE_UP);
        break;
    case CXType_LongDouble:
        merge(value, offset, X87);
        merge(value, offset + 8, X87_UP);
        break;
    case CXType_Complex:
        classify_complex(type, offset, size, value);
        break;
    case CXType_Atomic:
        classify(clang_Type_getValueType(type), offset, value);
        break;
    case CXType_ConstantArray:
        classify_array(type, offset, value);
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

/* "Post merger cleanup" of the ABI. */
static bool is_memory(const struct value *value) {
    const enum eightbyte *const c = value->classes;
    if (value->size > 8 * EIGHTBYTES)
        return true;
    for (int i = 0; i < EIGHTBYTES; i++)
        if (c[i] == MEMORY || (c[i] == X87_UP && (i == 0 || c[i - 1] != X87)))
            return true;
    if (c[0] == COMPLEX_X87)
        return false;
    bool vector = c[0] == SSE;
    for (int i = 1; i < value->size / 8; i++)
        vector = vector && c[i] == SSE_UP;
    return value->size > 16 && !vector;
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
    if (is_memory(&value))
        value.classes[0] = MEMORY;
    return value;
}

static bool is_wide(const struct value *value) {
    return value->classes[0] == SSE && value->size > 16;
}

/* [m] Without the registers for it GCC and clang return a wide vector in different places. */
static const char *check_wide(struct unit *unit, const struct value *value) {
    if (!is_wide(value) || parse_vector_bytes(unit) >= value->size)
        return NULL;
    return value->size > 32 ? "a vector of 64 bytes crosses the boundary, and the file is compiled without AVX-512" :
                              "a vector of 32 bytes crosses the boundary, and the file is compiled without AVX";
}

static void count(const struct value *value, unsigned *ints, unsigned *sses) {
    *ints = *sses = 0;
    for (int i = 0; i < EIGHTBYTES; i++) {
        *ints += value->classes[i] == INTEGER;
        *sses += value->classes[i] == SSE;
    }
}

static const char *place_result(struct unit *unit, CXType type, struct shape *shape) {
    const struct value value = value_of(type);
    const char *const refusal = value.refusal ? value.refusal : check_wide(unit, &value);
    if (refusal)
        return refusal;
    if (value.classes[0] != MEMORY) {
        count(&value, &shape->ret_int, &shape->ret_sse);
        shape->ret_ymm = is_wide(&value) && value.size == 32;
        shape->ret_zmm = is_wide(&value) && value.size == 64;
        return NULL;
    }
    if (value.align > 16)
        return "the result is in memory and aligned to more than 16 bytes";
    shape->sret_bytes = (unsigned)value.size;
    shape->args_int = shape->ret_int = 1;
    return NULL;
}

static const char *place_argument(struct unit *unit, CXType type, bool fixed, struct shape *shape) {
    const struct value value = value_of(type);
    unsigned ints, sses;
    const char *const refusal = value.refusal ? value.refusal : check_wide(unit, &value);
    if (refusal)
        return refusal;
    if (value.size == 0)
        return NULL;
    count(&value, &ints, &sses);
    if (value.classes[0] != MEMORY && !is_x87(value.classes[0]) && (fixed || !is_wide(&value)) &&
        shape->args_int + ints <= INT_REGISTERS && shape->args_sse + sses <= SSE_REGISTERS) {
        if (is_wide(&value))
            *(value.size > 32 ? &shape->zmm : &shape->ymm) |= 1u << shape->args_sse;
        shape->args_int += ints;
        shape->args_sse += sses;
        return NULL;
    }
    if (value.align > 16)
        return "an argument aligned to more than 16 bytes is passed on the stack";
    if (value.align == 16 && shape->stack_words % 2)
        shape->stack_words++;
    shape->stack_words += (unsigned)((value.size + 7) / 8);
    return NULL;
}

const char *sysv_shape(struct unit *unit, const struct signature *signature, struct shape *shape) {
    memset(shape, 0, sizeof(*shape));
    shape->variadic = signature->variadic;
    const enum CXCallingConv convention = clang_getFunctionTypeCallingConv(signature->function);
    if (convention != CXCallingConv_C && convention != CXCallingConv_X86_64SysV && convention != CXCallingConv_Default)
        return "it has a calling convention of its own";
    const char *refusal = place_result(unit, signature->result, shape);
    for (size_t i = 0; !refusal && i < signature->count; i++)
        refusal = place_argument(unit, signature->parameters[i], i < signature->fixed, shape);
    return refusal;
}
