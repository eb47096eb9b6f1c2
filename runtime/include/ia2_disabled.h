/* ia2_disabled.h: what ia2.h says with -DIA2_ENABLE=0: plain C. A project that carries IA2's macros
 * builds so; when it is split, the units that are compiled again get the real meaning (they have
 * IA2_UNIT). The rewriter reads this form. */
#ifndef IA2_DISABLED_H
#define IA2_DISABLED_H

#ifndef IA2_READ
#pragma GCC system_header
#endif

#define IA2_FN(f) (f)
#define IA2_FN_ADDR(f) (f)
#define IA2_CALL(pointer, ...) IA2_CALLED(pointer, __VA_ARGS__)
#ifdef __clang__
#define IA2_SHARED_DATA __attribute__((annotate("ia2_shared_data")))
#else
#define IA2_SHARED_DATA
#endif
#define ASSERT_PKRU(value) ((void)(value))

static __inline__ __attribute__((unused)) int ia2_get_compartment(void)
{
    return 0;
}
static __inline__ __attribute__((unused)) void ia2_get_compartment_stack(void **low,
                                                                         unsigned long *size)
{
    *low = 0, *size = 0;
}
static __inline__ __attribute__((unused)) void *shared_malloc(unsigned long size)
{
    return __builtin_malloc(size);
}
static __inline__ __attribute__((unused)) void *shared_calloc(unsigned long count,
                                                              unsigned long size)
{
    return __builtin_calloc(count, size);
}
static __inline__ __attribute__((unused)) void *shared_realloc(void *p, unsigned long size)
{
    return __builtin_realloc(p, size);
}
static __inline__ __attribute__((unused)) void shared_free(void *p)
{
    __builtin_free(p);
}

#endif
