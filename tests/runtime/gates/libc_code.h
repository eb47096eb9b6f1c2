#ifndef LIBC_CODE_H
#define LIBC_CODE_H
#include <cpuid.h>
int attack_1(int victim, const char *name, const int *secret);
int attack_2(int victim, const char *name, const int *secret);
const int *secret_of_2(void);

/* Of PKRU in what XSAVE writes (CPUID 0xD, sub-leaf 9). */
static inline unsigned pkru_offset(void)
{
    unsigned a, b, c, d;
    __cpuid_count(0xd, 9, a, b, c, d);
    return b;
}
#endif
