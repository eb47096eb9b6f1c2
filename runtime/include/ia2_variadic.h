/* ia2_variadic.h: a call of a variadic function in the body of a macro, which each use makes with
 * other arguments. The compiler picks the gate by how many arguments are floating numbers and how
 * many are not. */
#ifndef IA2_VARIADIC_H
#define IA2_VARIADIC_H

#ifndef IA2_READ
#pragma GCC system_header
#endif

/* \a arguments: (a, b, ...), up to 32. The rest: a gate for each IA2_SHAPE that the program has. */
#define IA2_VARIADIC_BY_SHAPE(f, arguments, ...) \
    (__extension__({ \
        static const char *const ia2_gates[] = {__VA_ARGS__}; \
        (__typeof__(&(f)))(const void *)ia2_gates[IA2_SHAPE arguments]; \
    })) arguments

#define IA2_SHAPE_OF(x) _Generic((x), float: 64, double: 64, default: 1)
#define IA2_SHAPE(...) \
    IA2_SHAPE_PICK(__VA_ARGS__, IA2_S32, IA2_S31, IA2_S30, IA2_S29, IA2_S28, IA2_S27, IA2_S26, \
                   IA2_S25, IA2_S24, IA2_S23, IA2_S22, IA2_S21, IA2_S20, IA2_S19, IA2_S18, \
                   IA2_S17, IA2_S16, IA2_S15, IA2_S14, IA2_S13, IA2_S12, IA2_S11, IA2_S10, IA2_S9, \
                   IA2_S8, IA2_S7, IA2_S6, IA2_S5, IA2_S4, IA2_S3, IA2_S2, IA2_S1, 0)(__VA_ARGS__)
#define IA2_SHAPE_PICK(a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, \
                       a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31, a32, \
                       name, ...) \
    name
#define IA2_S1(x) IA2_SHAPE_OF(x)
#define IA2_S2(x, ...) (IA2_SHAPE_OF(x) + IA2_S1(__VA_ARGS__))
#define IA2_S3(x, ...) (IA2_SHAPE_OF(x) + IA2_S2(__VA_ARGS__))
#define IA2_S4(x, ...) (IA2_SHAPE_OF(x) + IA2_S3(__VA_ARGS__))
#define IA2_S5(x, ...) (IA2_SHAPE_OF(x) + IA2_S4(__VA_ARGS__))
#define IA2_S6(x, ...) (IA2_SHAPE_OF(x) + IA2_S5(__VA_ARGS__))
#define IA2_S7(x, ...) (IA2_SHAPE_OF(x) + IA2_S6(__VA_ARGS__))
#define IA2_S8(x, ...) (IA2_SHAPE_OF(x) + IA2_S7(__VA_ARGS__))
#define IA2_S9(x, ...) (IA2_SHAPE_OF(x) + IA2_S8(__VA_ARGS__))
#define IA2_S10(x, ...) (IA2_SHAPE_OF(x) + IA2_S9(__VA_ARGS__))
#define IA2_S11(x, ...) (IA2_SHAPE_OF(x) + IA2_S10(__VA_ARGS__))
#define IA2_S12(x, ...) (IA2_SHAPE_OF(x) + IA2_S11(__VA_ARGS__))
#define IA2_S13(x, ...) (IA2_SHAPE_OF(x) + IA2_S12(__VA_ARGS__))
#define IA2_S14(x, ...) (IA2_SHAPE_OF(x) + IA2_S13(__VA_ARGS__))
#define IA2_S15(x, ...) (IA2_SHAPE_OF(x) + IA2_S14(__VA_ARGS__))
#define IA2_S16(x, ...) (IA2_SHAPE_OF(x) + IA2_S15(__VA_ARGS__))
#define IA2_S17(x, ...) (IA2_SHAPE_OF(x) + IA2_S16(__VA_ARGS__))
#define IA2_S18(x, ...) (IA2_SHAPE_OF(x) + IA2_S17(__VA_ARGS__))
#define IA2_S19(x, ...) (IA2_SHAPE_OF(x) + IA2_S18(__VA_ARGS__))
#define IA2_S20(x, ...) (IA2_SHAPE_OF(x) + IA2_S19(__VA_ARGS__))
#define IA2_S21(x, ...) (IA2_SHAPE_OF(x) + IA2_S20(__VA_ARGS__))
#define IA2_S22(x, ...) (IA2_SHAPE_OF(x) + IA2_S21(__VA_ARGS__))
#define IA2_S23(x, ...) (IA2_SHAPE_OF(x) + IA2_S22(__VA_ARGS__))
#define IA2_S24(x, ...) (IA2_SHAPE_OF(x) + IA2_S23(__VA_ARGS__))
#define IA2_S25(x, ...) (IA2_SHAPE_OF(x) + IA2_S24(__VA_ARGS__))
#define IA2_S26(x, ...) (IA2_SHAPE_OF(x) + IA2_S25(__VA_ARGS__))
#define IA2_S27(x, ...) (IA2_SHAPE_OF(x) + IA2_S26(__VA_ARGS__))
#define IA2_S28(x, ...) (IA2_SHAPE_OF(x) + IA2_S27(__VA_ARGS__))
#define IA2_S29(x, ...) (IA2_SHAPE_OF(x) + IA2_S28(__VA_ARGS__))
#define IA2_S30(x, ...) (IA2_SHAPE_OF(x) + IA2_S29(__VA_ARGS__))
#define IA2_S31(x, ...) (IA2_SHAPE_OF(x) + IA2_S30(__VA_ARGS__))
#define IA2_S32(x, ...) (IA2_SHAPE_OF(x) + IA2_S31(__VA_ARGS__))

#endif
