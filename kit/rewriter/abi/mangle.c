#include "mangle.h"

uint32_t mangle_hash(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

void mangle_type(struct text *text, struct unit *unit, struct type type)
{
    type = type_canonical(type);
    if (type.kind == CXType_Atomic)
        type = type_canonical(type_value(type));
    const long long size = type_size(type);
    switch (type.kind) {
    case CXType_Void:
        text_puts(text, "v");
        break;
    case CXType_Pointer:
    case CXType_BlockPointer:
        text_puts(text, "p");
        break;
    case CXType_Float:
    case CXType_Double:
    case CXType_Float128:
    case CXType_Float16:
    case CXType_Half:
    case CXType_BFloat16:
        text_printf(text, "f%lld", size);
        break;
    case CXType_LongDouble: /* as large as __float128, but elsewhere */
        text_printf(text, "x%lld", size);
        break;
    case CXType_Record:
    case CXType_Vector:
    case CXType_ExtVector:
    case CXType_Complex:
        text_printf(text, "s%lld_%x", size, mangle_hash(type_spelling(unit, type)));
        break;
    default:
        text_printf(text, "i%lld", size);
        break;
    }
}
