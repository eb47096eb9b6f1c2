#include "base/dangerous_code.h"

/* WRFSBASE is known with and without REX. */
size_t ia2_dangerous_code(const unsigned char *code, size_t left)
{
    if (left >= 3 && code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xef)
        return 3;
    if (left >= 3 && code[0] == 0x0f && code[1] == 0xae && (code[2] >> 3 & 7) == 5 &&
        code[2] >> 6 != 3)
        return 3;
    if (left >= 4 && code[0] == 0xf3) {
        size_t rex = code[1] >> 4 == 4;
        if (left >= 4 + rex && code[1 + rex] == 0x0f && code[2 + rex] == 0xae &&
            code[3 + rex] >> 3 == 0xd0 >> 3)
            return 4 + rex;
    }
    return 0;
}
