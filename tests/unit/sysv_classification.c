/* abi/sysv_abi.c alone: `sysv_classification BEHAVIOUR` ends with 0 if the classification behaves so.
 * The syntax tree is a table of types here, in place of libclang's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/sysv_abi.h"

enum {
    VOID, CHAR, INT, LONG, INT128, POINTER, FLOAT, DOUBLE, LONG_DOUBLE, COMPLEX_DOUBLE,
    COMPLEX_LONG_DOUBLE, FLOAT4, DOUBLE4, INTS3, FLOATS3,
    LONG_INT, DOUBLE_LONG, FLOATS2, BIG, PACKED, EMPTY, BITS, UNNAMED_BITS, ALIGNED, INCOMPLETE,
    FUNCTION, FAST_FUNCTION
};

struct member {
    int type;
    long long offset; /* in bits */
    int width; /* of a bit-field; 0: it is none */
    const char *name;
};

static const struct {
    enum CXTypeKind kind;
    long long size, align, count;
    int element;
    struct member members[4]; /* up to one without name, NULL */
} types[] = {
    [VOID] = {CXType_Void, 1, 1, 0, 0, {{0}}},
    [CHAR] = {CXType_Char_S, 1, 1, 0, 0, {{0}}},
    [INT] = {CXType_Int, 4, 4, 0, 0, {{0}}},
    [LONG] = {CXType_Long, 8, 8, 0, 0, {{0}}},
    [INT128] = {CXType_Int128, 16, 16, 0, 0, {{0}}},
    [POINTER] = {CXType_Pointer, 8, 8, 0, 0, {{0}}},
    [FLOAT] = {CXType_Float, 4, 4, 0, 0, {{0}}},
    [DOUBLE] = {CXType_Double, 8, 8, 0, 0, {{0}}},
    [LONG_DOUBLE] = {CXType_LongDouble, 16, 16, 0, 0, {{0}}},
    [COMPLEX_DOUBLE] = {CXType_Complex, 16, 8, 0, DOUBLE, {{0}}},
    [COMPLEX_LONG_DOUBLE] = {CXType_Complex, 32, 16, 0, LONG_DOUBLE, {{0}}},
    [FLOAT4] = {CXType_Vector, 16, 16, 4, FLOAT, {{0}}},
    [DOUBLE4] = {CXType_Vector, 32, 32, 4, DOUBLE, {{0}}},
    [INTS3] = {CXType_ConstantArray, 12, 4, 3, INT, {{0}}},
    [FLOATS3] = {CXType_ConstantArray, 12, 4, 3, FLOAT, {{0}}},
    [LONG_INT] = {CXType_Record, 16, 8, 0, 0, {{LONG, 0, 0, "a"}, {INT, 64, 0, "b"}}},
    [DOUBLE_LONG] = {CXType_Record, 16, 8, 0, 0, {{DOUBLE, 0, 0, "a"}, {LONG, 64, 0, "b"}}},
    [FLOATS2] = {CXType_Record, 8, 4, 0, 0, {{FLOAT, 0, 0, "a"}, {FLOAT, 32, 0, "b"}}},
    [BIG] = {CXType_Record, 24, 8, 0, 0, {{LONG_INT, 0, 0, "a"}, {LONG, 128, 0, "b"}}},
    [PACKED] = {CXType_Record, 5, 1, 0, 0, {{CHAR, 0, 0, "a"}, {INT, 8, 0, "b"}}},
    [EMPTY] = {CXType_Record, 0, 1, 0, 0, {{0}}},
    [BITS] = {CXType_Record, 8, 8, 0, 0, {{INT, 0, 3, "a"}, {LONG, 3, 40, "b"}}},
    [UNNAMED_BITS] = {CXType_Record, 8, 4, 0, 0, {{INT, 0, 32, ""}, {FLOAT, 32, 0, "b"}}},
    [ALIGNED] = {CXType_Record, 32, 32, 0, 0, {{LONG_INT, 0, 0, "a"}, {LONG_INT, 128, 0, "b"}}},
    [INCOMPLETE] = {CXType_Record, -2, -2, 0, 0, {{0}}},
    [FUNCTION] = {CXType_FunctionProto, 1, 4, 0, 0, {{0}}},
    [FAST_FUNCTION] = {CXType_FunctionProto, 1, 4, 0, 0, {{0}}},
};

/* ---- what sysv_abi.c asks of the tree; a field's `at`: 4 * type + position ------------------- */

static struct type type_at(int at)
{
    return (struct type){.kind = types[at].kind, .at = (uint32_t)at};
}

static const struct member *member_at(struct cursor field)
{
    return &types[field.at / 4].members[field.at % 4];
}

struct type type_canonical(struct type type) { return type; }
struct type type_element(struct type type) { return type_at(types[type.at].element); }
struct type type_value(struct type type) { return type_at(types[type.at].element); }
long long type_size(struct type type) { return types[type.at].size; }
long long type_align(struct type type) { return types[type.at].align; }
long long type_count(struct type type) { return types[type.at].count; }
struct type cursor_type(struct cursor field) { return type_at(member_at(field)->type); }
const char *cursor_name(struct cursor field) { return member_at(field)->name; }
bool cursor_is_bit_field(struct cursor field) { return member_at(field)->width > 0; }
int cursor_bit_width(struct cursor field) { return member_at(field)->width; }
long long cursor_bit_offset(struct cursor field) { return member_at(field)->offset; }

enum CXCallingConv type_convention(struct type type)
{
    return type.at == FAST_FUNCTION ? CXCallingConv_X86RegCall : CXCallingConv_C;
}

void type_visit_fields(struct type type, field_visitor *visitor, void *data)
{
    for (uint32_t i = 0; i < 4 && types[type.at].members[i].name; i++)
        visitor((struct cursor){.at = 4 * type.at + i}, data);
}

/* ---- behaviours ------------------------------------------------------------------------------ */

/* The shape of a function of some parameters, up to a negative one; why it has none. */
static const char *shape_of(struct shape *shape, unsigned vector_bytes, int function, int result,
                            size_t fixed, const int *parameters)
{
    struct type list[16];
    struct signature signature = {.function = type_at(function), .result = type_at(result),
                                  .parameters = list, .fixed = fixed};
    for (; parameters[signature.count] >= 0; signature.count++)
        list[signature.count] = type_at(parameters[signature.count]);
    signature.variadic = fixed < signature.count;
    return sysv_shape(vector_bytes, &signature, shape);
}

static bool equal(const struct shape *made, const struct shape *wanted)
{
    if (!memcmp(made, wanted, sizeof(*made)))
        return true;
    fprintf(stderr, "int %u sse %u ret %u %u stack %u sret %u align %u ymm %x %x zmm %x %x x87 %u\n",
            made->args_int, made->args_sse, made->ret_int, made->ret_sse, made->stack_words,
            made->sret_bytes, made->align, made->ymm, made->ret_ymm, made->zmm, made->ret_zmm,
            made->ret_x87);
    return false;
}

static bool is_shape(const struct shape *wanted, int result, const int *parameters)
{
    struct shape shape;
    const char *const refusal = shape_of(&shape, 32, FUNCTION, result, 16, parameters);
    return !refusal && equal(&shape, wanted);
}

static bool is_refused(const char *words, unsigned vector_bytes, int function, int result,
                       const int *parameters)
{
    struct shape shape;
    const char *const refusal = shape_of(&shape, vector_bytes, function, result, 16, parameters);
    return refusal && strstr(refusal, words);
}

#define ARGUMENTS(...) (const int[]){__VA_ARGS__, -1}
#define NONE (const int[]){-1}
#define SHAPE(...) &(const struct shape){__VA_ARGS__}

static bool integers(void)
{
    return is_shape(SHAPE(.args_int = 3, .ret_int = 1), INT, ARGUMENTS(CHAR, LONG, POINTER));
}

static bool floats(void)
{
    return is_shape(SHAPE(.args_int = 1, .args_sse = 2, .ret_sse = 1), DOUBLE,
                    ARGUMENTS(FLOAT, INT, DOUBLE));
}

static bool nothing(void)
{
    return is_shape(SHAPE(0), VOID, NONE);
}

static bool seventh_integer(void)
{
    return is_shape(SHAPE(.args_int = 6, .stack_words = 1), VOID,
                    ARGUMENTS(INT, INT, INT, INT, INT, INT, INT));
}

static bool ninth_float(void)
{
    return is_shape(SHAPE(.args_sse = 8, .stack_words = 1), VOID,
                    ARGUMENTS(FLOAT, FLOAT, FLOAT, FLOAT, FLOAT, FLOAT, FLOAT, FLOAT, FLOAT));
}

static bool two_words(void)
{
    return is_shape(SHAPE(.args_int = 2, .ret_int = 2), LONG_INT, ARGUMENTS(LONG_INT));
}

static bool mixed_words(void)
{
    return is_shape(SHAPE(.args_int = 1, .args_sse = 1, .ret_int = 1, .ret_sse = 1), DOUBLE_LONG,
                    ARGUMENTS(DOUBLE_LONG));
}

static bool floats_share_a_word(void)
{
    return is_shape(SHAPE(.args_sse = 1, .ret_sse = 1), FLOATS2, ARGUMENTS(FLOATS2));
}

static bool no_half_in_registers(void)
{
    return is_shape(SHAPE(.args_int = 6, .stack_words = 2), VOID,
                    ARGUMENTS(INT, INT, INT, INT, INT, LONG_INT, INT));
}

static bool large_argument(void)
{
    return is_shape(SHAPE(.args_int = 1, .stack_words = 3), VOID, ARGUMENTS(BIG, INT));
}

static bool large_result(void)
{
    return is_shape(SHAPE(.args_int = 2, .ret_int = 1, .sret_bytes = 24), BIG, ARGUMENTS(INT));
}

static bool packed(void)
{
    return is_shape(SHAPE(.stack_words = 1), VOID, ARGUMENTS(PACKED));
}

static bool empty(void)
{
    return is_shape(SHAPE(.args_int = 1), VOID, ARGUMENTS(EMPTY, INT));
}

static bool bit_fields(void)
{
    return is_shape(SHAPE(.args_int = 1, .ret_int = 1), BITS, ARGUMENTS(BITS));
}

/* GCC counts the unnamed bit-field, clang does not: the gate lets both registers pass. */
static bool compilers_differ(void)
{
    return is_shape(SHAPE(.args_int = 1, .args_sse = 1), VOID, ARGUMENTS(UNNAMED_BITS));
}

static bool arrays(void)
{
    return is_shape(SHAPE(.args_int = 2), VOID, ARGUMENTS(INTS3)) &&
           is_shape(SHAPE(.args_sse = 2), VOID, ARGUMENTS(FLOATS3));
}

static bool long_double(void)
{
    return is_shape(SHAPE(.stack_words = 2, .ret_x87 = 1), LONG_DOUBLE, ARGUMENTS(LONG_DOUBLE));
}

static bool complex_values(void)
{
    return is_shape(SHAPE(.args_sse = 2, .ret_sse = 2), COMPLEX_DOUBLE,
                    ARGUMENTS(COMPLEX_DOUBLE)) &&
           is_shape(SHAPE(.stack_words = 4, .ret_x87 = 2), COMPLEX_LONG_DOUBLE, ARGUMENTS(COMPLEX_LONG_DOUBLE));
}

static bool vectors(void)
{
    return is_shape(SHAPE(.args_sse = 1, .ret_sse = 1), FLOAT4, ARGUMENTS(FLOAT4));
}

static bool wide_vectors(void)
{
    return is_shape(SHAPE(.args_sse = 2, .ret_sse = 1, .ymm = 2, .ret_ymm = 1), DOUBLE4,
                    ARGUMENTS(DOUBLE, DOUBLE4));
}

static bool aligned_on_the_stack(void)
{
    return is_shape(SHAPE(.args_int = 6, .stack_words = 8, .align = 32), VOID,
                    ARGUMENTS(INT, INT, INT, INT, INT, INT, INT, ALIGNED));
}

static bool variadic_lists_count(void)
{
    struct shape shape;
    const char *const refusal =
        shape_of(&shape, 16, FUNCTION, INT, 1, ARGUMENTS(POINTER, INT, DOUBLE));
    return !refusal && equal(&shape, SHAPE(.args_int = 2, .args_sse = 1, .ret_int = 1,
                                           .variadic = true));
}

static bool incomplete_is_refused(void)
{
    return is_refused("incomplete type", 16, FUNCTION, VOID, ARGUMENTS(INCOMPLETE));
}

static bool other_convention_is_refused(void)
{
    return is_refused("calling convention", 16, FAST_FUNCTION, VOID, ARGUMENTS(INT));
}

static bool wide_vector_without_register_is_refused(void)
{
    return is_refused("vector", 16, FUNCTION, VOID, ARGUMENTS(DOUBLE4));
}

#define BEHAVIOUR(name) {#name, name}
static const struct {
    const char *name;
    bool (*holds)(void);
} behaviours[] = {
    BEHAVIOUR(integers), BEHAVIOUR(floats), BEHAVIOUR(nothing), BEHAVIOUR(seventh_integer),
    BEHAVIOUR(ninth_float), BEHAVIOUR(two_words), BEHAVIOUR(mixed_words),
    BEHAVIOUR(floats_share_a_word), BEHAVIOUR(no_half_in_registers), BEHAVIOUR(large_argument),
    BEHAVIOUR(large_result), BEHAVIOUR(packed), BEHAVIOUR(empty), BEHAVIOUR(bit_fields),
    BEHAVIOUR(compilers_differ), BEHAVIOUR(arrays), BEHAVIOUR(long_double),
    BEHAVIOUR(complex_values), BEHAVIOUR(vectors), BEHAVIOUR(wide_vectors),
    BEHAVIOUR(aligned_on_the_stack), BEHAVIOUR(variadic_lists_count),
    BEHAVIOUR(incomplete_is_refused), BEHAVIOUR(other_convention_is_refused),
    BEHAVIOUR(wide_vector_without_register_is_refused),
};

/* Without an argument: the names of the behaviours. */
int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(behaviours) / sizeof(*behaviours); i++)
        if (argc < 2)
            puts(behaviours[i].name);
        else if (!strcmp(argv[1], behaviours[i].name))
            return !behaviours[i].holds();
    return argc < 2 ? 0 : 2;
}
