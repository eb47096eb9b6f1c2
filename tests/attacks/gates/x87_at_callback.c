/* class: gates
 * source: System V ABI, x87 stack
 * tries: to read what the victim had in x87 registers when it called the attacker back
 * must: find nothing
 * expect: stopped */
#include "attack.h"

static long look(long value)
{
    static char area[512] __attribute__((aligned(16)));
    char bytes[16];
    asm volatile("fxsave %0" : "=m"(area));
    for (int i = 0; i < 2; i++) { /* st(0) is the second half; the secret as an integer in 80 bits */
        long double value;
        long whole;
        memcpy(&value, area + 32 + 16 * i, 10);
        whole = value;
        memcpy(bytes + 8 * (1 - i), &whole, 8);
    }
    leak(bytes);
    return value;
}

ATTACK
{
    hook = look;
    victim_back_x87(own_callback(), 1);
}
