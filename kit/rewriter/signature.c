#include "signature.h"

#include <stdlib.h>

#include "intern.h"
#include "mangle.h"

bool is_variadic(CXType function) {
    function = clang_getCanonicalType(function);
    return function.kind == CXType_FunctionProto && clang_isFunctionTypeVariadic(function);
}

struct signature signature_of_type(CXType function) {
    struct signature it = { .function = clang_getCanonicalType(function) };
    it.result = clang_getResultType(it.function);
    it.variadic = is_variadic(it.function);
    for (int i = 0; it.function.kind == CXType_FunctionProto && i < clang_getNumArgTypes(it.function); i++)
        *PUSH(it.parameters, it.count, it.capacity) = clang_getArgType(it.function, (unsigned)i);
    it.fixed = it.count;
    return it;
}

struct signature signature_of_call(CXType function, CXCursor call) {
    struct signature it = signature_of_type(function);
    for (int i = (int)it.fixed; i < clang_Cursor_getNumArguments(call); i++)
        *PUSH(it.parameters, it.count, it.capacity) = expression_type(clang_Cursor_getArgument(call, (unsigned)i));
    return it;
}

void signature_free(struct signature *signature) {
    free(signature->parameters);
    *signature = (struct signature) { 0 };
}

const char *signature_mangled(struct unit *unit, const struct signature *signature) {
    struct text text = { 0 };
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
