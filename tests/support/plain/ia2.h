/* ia2.h for a program that has no compartments: the plain build, with which a compartmentalized one is compared. */
#ifndef IA2_H
#define IA2_H

#define IA2_FN(f) (&(f))
#define IA2_FN_STATIC(f) (&(f))
#define IA2_DECLARE_GATE(f) extern int ia2_plain
#define IA2_DECLARE_GATE_STATIC(f) extern int ia2_plain
#define IA2_STATIC_TARGET(f) extern int ia2_plain
#define IA2_CALL(pointer, type) (pointer)

#define IA2_SHARED_DATA
#define IA2_SHARED_LOCAL(p) = __builtin_alloca(sizeof(*(p)))
#define IA2_SHARED_LOCAL_INIT(p, ...) = &(__typeof__(*(p))){__VA_ARGS__}
#define IA2_ALLOCATE_IN(key)

#define shared_malloc malloc
#define shared_calloc calloc
#define shared_realloc realloc
#define shared_free free

#define ia2_get_compartment() PKEY

#endif
