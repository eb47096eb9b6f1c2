/* class: libc
 * source: register_printf_specifier(3)
 * tries: to have the victim's printf("%d") call the payload
 * must: have no effect on other compartments
 * expect: stopped */
#include "attack.h"
#include <printf.h>

static int print(FILE *file, const struct printf_info *info, const void *const *arguments)
{
    asm volatile("jmp *%0" ::"r"(payload));
    return 0;
}

static int types(const struct printf_info *info, size_t n, int *type, int *size)
{
    asm volatile("jmp *%0" ::"r"(payload));
    return 1;
}

ATTACK
{
    register_printf_specifier('d', print, types);
    victim_call(PRINT, 5, 0);
}
