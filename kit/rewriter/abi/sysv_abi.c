#include "sysv_abi.h"

#include <string.h>

#define INT_REGISTERS 6
#define SSE_REGISTERS 8
#define EIGHTBYTES 8 /* of the largest vector */
#define LARGEST_ALIGNMENT 4096 /* a stack has a guard page below it, not more */

/* [m] Where compilers differ from the ABI, or from each other in what it leaves open. Which of them
 * made an object is not known, so a gate lets pass what any of them may use. */
struct compiler {
    bool counts_unnamed; /* an unnamed bit-field makes its eightbyte INTEGER */
    bool splits_int128; /* between the last register and the stack, where it has the alignment of
                           its halves */
    bool closes_int128; /* of one that does not fit, the registers that it leaves are nobody's */
    bool float128_indirect; /* a record with a __float128 is in memory */
    bool wide_unlisted_only; /* wide vectors are in registers only if the function is not variadic,
                                also those with a name */
    bool returns_double1; /* a vector of one double, which is passed in memory, is returned in a
                             register */
};
static const struct compiler compilers[] = {
    {true, false, false, false, false, false}, /* GCC 12 and 14 */
    {false, true, false, true, true, true}, /* clang 14 */
    {false, false, true, false, true, true}, /* clang from 18 on, here 19 */
};
#define COMPILERS (sizeof(compilers) / sizeof(*compilers))

enum eightbyte { NO_CLASS, SSE, SSE_UP, INTEGER, X87, X87_UP, COMPLEX_X87, MEMORY };

struct value {
    const struct compiler *compiler;
    enum eightbyte classes[EIGHTBYTES];
    long long size, align;
    bool record;
    const char *refusal;
};

static void classify(struct type type, long long offset, struct value *value);

static bool is_x87(enum eightbyte class)
{
    return class == X87 || class == X87_UP || class == COMPLEX_X87;
}

static void merge(struct value *value, long long offset, enum eightbyte class)
{
    if (offset / 8 >= EIGHTBYTES)
        return; /* larger than any register: MEMORY, whatever is in it */
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
    long long offset; /* of the record, in bytes */
};

static enum CXVisitorResult classify_field(struct cursor field, void *data)
{
    const struct field_walk *const walk = data;
    const long long bits = cursor_bit_offset(field);
    if (cursor_is_bit_field(field)) {
        const int width = cursor_bit_width(field);
        if (width > 0 && (*cursor_name(field) || walk->value->compiler->counts_unnamed)) {
            merge(walk->value, walk->offset + bits / 8, INTEGER);
            merge(walk->value, walk->offset + (bits + width - 1) / 8, INTEGER);
        }
        return CXVisit_Continue;
    }
    const struct type type = cursor_type(field);
    const long long align = type_align(type);
    if (align > 0 && (walk->offset + bits / 8) % align) /* packed */
        walk->value->classes[0] = MEMORY;
    else
        classify(type, walk->offset + bits / 8, walk->value);
    return CXVisit_Continue;
}

static void classify_array(struct type type, long long offset, struct value *value)
{
    const struct type element = type_element(type);
    const long long size = type_size(element), count = type_count(type);
    for (long long i = 0; size > 0 && i < count && offset + i * size < 8 * EIGHTBYTES; i++)
        classify(element, offset + i * size, value);
}

static void classify_vector(struct type type, long long offset, long long size, struct value *value)
{
    const enum CXTypeKind element = type_canonical(type_element(type)).kind;
    if (size < 8) { /* GCC's choice, and clang's */
        merge(value, offset, INTEGER);
        return;
    }
    if (size == 8 && element == CXType_Double)
        value->classes[0] = MEMORY;
    merge(value, offset, SSE);
    for (long long at = 8; at < size; at += 8)
        merge(value, offset + at, SSE_UP);
}

static void classify_complex(struct type type, long long offset, long long size,
                             struct value *value)
{
    const struct type element = type_canonical(type_element(type));
    if (element.kind == CXType_LongDouble) {
        for (long long at = 0; at < size; at += 8)
            merge(value, offset + at, COMPLEX_X87);
        return;
    }
    classify(element, offset, value);
    classify(element, offset + size / 2, value);
}

static void classify(struct type type, long long offset, struct value *value)
{
    type = type_canonical(type);
    const long long size = type_size(type);
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
        if (value->compiler->float128_indirect && value->record)
            value->classes[0] = MEMORY;
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
        classify(type_value(type), offset, value);
        break;
    case CXType_ConstantArray:
        classify_array(type, offset, value);
        break;
    case CXType_Record: {
        struct field_walk walk = {value, offset};
        type_visit_fields(type, classify_field, &walk);
        break;
    }
    default: /* integers, enums, pointers */
        merge(value, offset, INTEGER);
        if (size > 8)
            merge(value, offset + 8, INTEGER);
        break;
    }
}

/* "Post merger cleanup" of the ABI. */
static bool is_memory(struct value *value)
{
    enum eightbyte *const c = value->classes;
    if (value->size > 8 * EIGHTBYTES)
        return true;
    for (int i = 0; i < EIGHTBYTES; i++) {
        if (c[i] == MEMORY || (c[i] == X87_UP && (i == 0 || c[i - 1] != X87)))
            return true;
        if (c[i] == SSE_UP && (i == 0 || (c[i - 1] != SSE && c[i - 1] != SSE_UP)))
            c[i] = SSE;
    }
    if (c[0] == COMPLEX_X87 && !value->record)
        return false;
    bool vector = c[0] == SSE;
    for (int i = 1; i < (value->size + 7) / 8; i++)
        vector = vector && c[i] == SSE_UP;
    return value->size > 16 && !vector;
}

static struct value value_of(struct type type, const struct compiler *compiler)
{
    struct value value = {.compiler = compiler, .size = type_size(type), .align = type_align(type)};
    type = type_canonical(type);
    value.record = type.kind == CXType_Record;
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

static bool is_wide(const struct value *value)
{
    return value->classes[0] == SSE && value->size > 16;
}

/* [m] Without the registers for it GCC and clang return a wide vector in different places. */
static const char *check_wide(unsigned vector_bytes, const struct value *value)
{
    if (!is_wide(value) || vector_bytes >= value->size)
        return NULL;
    return value->size > 32
               ? "a vector of 64 bytes crosses the boundary, and the file is compiled without "
                 "AVX-512"
               : "a vector of 32 bytes crosses the boundary, and the file is compiled without AVX";
}

static void count(const struct value *value, unsigned *ints, unsigned *sses)
{
    *ints = *sses = 0;
    for (int i = 0; i < EIGHTBYTES; i++) {
        *ints += value->classes[i] == INTEGER;
        *sses += value->classes[i] == SSE;
    }
}

static void need_alignment(struct shape *shape, long long align)
{
    if (align > 16 && align > shape->align)
        shape->align = (unsigned)align;
}

static const char *place_result(unsigned vector_bytes, const struct compiler *compiler,
                                struct type type, struct shape *shape)
{
    const struct value value = value_of(type, compiler);
    const char *const refusal = value.refusal ? value.refusal : check_wide(vector_bytes, &value);
    if (refusal)
        return refusal;
    if (value.classes[0] != MEMORY) {
        count(&value, &shape->ret_int, &shape->ret_sse);
        shape->ret_x87 = value.classes[0] == X87 ? 1 : value.classes[0] == COMPLEX_X87 ? 2 : 0;
        shape->ret_ymm = is_wide(&value) && value.size == 32;
        shape->ret_zmm = is_wide(&value) && value.size == 64;
        return NULL;
    }
    if (compiler->returns_double1 && type_canonical(type).kind == CXType_Vector &&
        value.size == 8) {
        shape->ret_sse = 1;
        return NULL;
    }
    if (value.align > LARGEST_ALIGNMENT)
        return "the result is in memory and aligned to more than 4096 bytes";
    need_alignment(shape, value.align);
    shape->sret_bytes = (unsigned)value.size;
    shape->args_int = shape->ret_int = 1;
    return NULL;
}

static bool is_int128(struct type type)
{
    type = type_canonical(type);
    return type.kind == CXType_Int128 || type.kind == CXType_UInt128;
}

static const char *place_argument(unsigned vector_bytes, const struct compiler *compiler,
                                  struct type type, bool fixed, struct shape *shape)
{
    const struct value value = value_of(type, compiler);
    unsigned ints, sses;
    const char *const refusal = value.refusal ? value.refusal : check_wide(vector_bytes, &value);
    if (refusal)
        return refusal;
    if (value.size == 0)
        return NULL;
    count(&value, &ints, &sses);
    const bool stays =
        is_wide(&value) && (!fixed || (shape->variadic && compiler->wide_unlisted_only));
    if (value.classes[0] != MEMORY && !is_x87(value.classes[0]) && !stays &&
        shape->args_int + ints <= INT_REGISTERS && shape->args_sse + sses <= SSE_REGISTERS) {
        if (is_wide(&value))
            *(value.size > 32 ? &shape->zmm : &shape->ymm) |= 1u << shape->args_sse;
        shape->args_int += ints;
        shape->args_sse += sses;
        return NULL;
    }
    if (compiler->splits_int128 && is_int128(type)) {
        shape->stack_words += shape->args_int < INT_REGISTERS ? 1 : 2;
        shape->args_int = INT_REGISTERS;
        return NULL;
    }
    if (compiler->closes_int128 && is_int128(type))
        shape->args_int = INT_REGISTERS;
    if (value.align > LARGEST_ALIGNMENT)
        return "an argument aligned to more than 4096 bytes is passed on the stack";
    need_alignment(shape, value.align);
    if (value.align > 8) {
        const unsigned words = (unsigned)value.align / 8;
        shape->stack_words = (shape->stack_words + words - 1) / words * words;
    }
    shape->stack_words += (unsigned)((value.size + 7) / 8);
    return NULL;
}

static const char *shape_by(unsigned vector_bytes, const struct compiler *compiler,
                            const struct signature *signature, struct shape *shape)
{
    memset(shape, 0, sizeof(*shape));
    shape->variadic = signature->variadic;
    const char *refusal = place_result(vector_bytes, compiler, signature->result, shape);
    for (size_t i = 0; !refusal && i < signature->count; i++)
        refusal = place_argument(vector_bytes, compiler, signature->parameters[i],
                                 i < signature->fixed, shape);
    return refusal;
}

static unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

const char *sysv_shape(unsigned vector_bytes, const struct signature *signature,
                       struct shape *shape)
{
    const enum CXCallingConv convention = type_convention(signature->function);
    memset(shape, 0, sizeof(*shape));
    if (convention != CXCallingConv_C && convention != CXCallingConv_X86_64SysV &&
        convention != CXCallingConv_Default)
        return "it has a calling convention of its own";
    for (size_t i = 0; i < COMPILERS; i++) {
        struct shape compiled;
        const char *const refusal = shape_by(vector_bytes, &compilers[i], signature, &compiled);
        if (refusal)
            return refusal;
        if (i && compiled.sret_bytes != shape->sret_bytes)
            return "its result is one that some compilers return in registers and others in memory";
        *shape = (struct shape){.args_int = larger(shape->args_int, compiled.args_int),
                                .args_sse = larger(shape->args_sse, compiled.args_sse),
                                .ret_int = larger(shape->ret_int, compiled.ret_int),
                                .ret_sse = larger(shape->ret_sse, compiled.ret_sse),
                                .stack_words = larger(shape->stack_words, compiled.stack_words),
                                .sret_bytes = compiled.sret_bytes,
                                .align = larger(shape->align, compiled.align),
                                .ymm = shape->ymm | compiled.ymm,
                                .zmm = shape->zmm | compiled.zmm,
                                .ret_ymm = shape->ret_ymm | compiled.ret_ymm,
                                .ret_zmm = shape->ret_zmm | compiled.ret_zmm,
                                .ret_x87 = larger(shape->ret_x87, compiled.ret_x87),
                                .variadic = compiled.variadic};
    }
    return NULL;
}
