/* What a call passes: what a function's type says, or the list of arguments of one call of a
 * variadic function. */
#ifndef IA2_SIGNATURE_H
#define IA2_SIGNATURE_H

#include "tree/ast_query.h"

struct signature {
    struct type function, result; /* function: canonical */
    struct type *parameters; /* promoted (C11 6.5.2.2p7) after the fixed ones */
    size_t count, capacity, fixed;
    bool variadic;
};

/* The lists of arguments with which a variadic function is called. */
struct variadic_lists {
    struct variadic_list {
        struct signature signature;
        const char *abi;
    } *lists; /* abi: signature_mangled */
    size_t count, capacity;
};

/* Of a function type. Without prototype: no parameters, which is so only for a definition. What a
 * variadic one is called with besides its fixed parameters is not in it. signature_free empties it.
 */
struct signature signature_of_type(struct type function);

/* Of one call of a variadic function. */
struct signature signature_of_call(struct type function, struct cursor call);

void signature_free(struct signature *signature);

bool is_variadic(struct type function);

/* How the ABI passes it (docs/design/rewriter.md, rule 4). Interned. */
const char *signature_mangled(struct unit *unit, const struct signature *signature);
const char *function_mangled(struct unit *unit, struct type function); /* by its type alone */

#endif
