/* Where the arguments and the result of a function are: System V AMD64 ABI, section 3.2.3. */
#ifndef IA2_SYSV_ABI_H
#define IA2_SYSV_ABI_H

#include <clang-c/Index.h>

/* Registers used, in order of the ABI. A result in memory counts its hidden pointer in args_int and ret_int. */
struct shape {
    unsigned args_int, args_sse, ret_int, ret_sse, stack_words, sret_bytes;
};

/* Classifies a function type. Returns NULL, or why such a function cannot have a gate. */
const char *sysv_shape(CXType function, struct shape *shape);

#endif
