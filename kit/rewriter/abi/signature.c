#include "signature.h"

#include <stdlib.h>

#include "base/intern.h"
#include "mangle.h"

bool is_variadic(struct type function)
{
    function = type_canonical(function);
    return function.kind == CXType_FunctionProto && type_is_variadic(function);
}

struct signature signature_of_type(struct type function)
{
    struct signature signature = {.function = type_canonical(function)};
    signature.result = type_result(signature.function);
    signature.variadic = is_variadic(signature.function);
    for (int i = 0; signature.function.kind == CXType_FunctionProto &&
                    i < type_argument_count(signature.function);
         i++)
        *PUSH(signature.parameters, signature.count, signature.capacity) =
            type_argument(signature.function, (unsigned)i);
    signature.fixed = signature.count;
    return signature;
}

struct signature signature_of_call(struct type function, struct cursor call)
{
    struct signature signature = signature_of_type(function);
    for (int i = (int)signature.fixed; i < cursor_argument_count(call); i++)
        *PUSH(signature.parameters, signature.count, signature.capacity) =
            expression_type(cursor_argument(call, (unsigned)i));
    return signature;
}

void signature_free(struct signature *signature)
{
    free(signature->parameters);
    *signature = (struct signature){0};
}

const char *signature_mangled(struct unit *unit, const struct signature *signature)
{
    struct text text = {0};
    mangle_type(&text, unit, signature->result);
    text_puts(&text, "(");
    for (size_t i = 0; i < signature->count; i++) {
        if (signature->variadic && i == signature->fixed)
            text_puts(&text, ".");
        mangle_type(&text, unit, signature->parameters[i]);
    }
    text_puts(&text, signature->variadic && signature->count == signature->fixed ? ".)" : ")");
    const char *const result = intern(text.data);
    free(text.data);
    return result;
}

const char *function_mangled(struct unit *unit, struct type function)
{
    struct signature signature = signature_of_type(function);
    const char *const result = signature_mangled(unit, &signature);
    signature_free(&signature);
    return result;
}
