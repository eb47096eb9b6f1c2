/* Where the arguments and the result of a function are: System V AMD64 ABI, section 3.2.3. */
#ifndef IA2_SYSV_ABI_H
#define IA2_SYSV_ABI_H

#include "signature.h"

/* Registers used, in order of the ABI. A result in memory counts its hidden pointer in args_int and
 * ret_int; one in x87 registers counts in ret_x87. The masks say which vector registers carry 32
 * and 64 bytes. `align`: of the stack arguments and of a result in memory, if more than 16. Where
 * compilers do not agree it is all that any of them uses. */
struct shape {
    unsigned args_int, args_sse, ret_int, ret_sse, stack_words, sret_bytes, align;
    unsigned ymm, zmm, ret_ymm, ret_zmm, ret_x87;
    bool variadic;
};

/* Classifies calls of a signature as a unit compiles them that may use vector registers of up to so
 * many bytes. Returns NULL, or why they cannot have a gate. */
const char *sysv_shape(unsigned vector_bytes, const struct signature *signature,
                       struct shape *shape);

#endif
