/* class: gates
 * source: System V ABI, x87 stack
 * tries: to read what the victim left in x87 registers when it returned
 * must: find nothing
 * expect: stopped */
#include "attack.h"

ATTACK
{
    long first, second;
    char bytes[16];
    victim_call(LEAVE_X87, 0, 0);
    asm volatile("fistpll %0; fistpll %1" : "=m"(second), "=m"(first));
    memcpy(bytes, &first, 8);
    memcpy(bytes + 8, &second, 8);
    leak(bytes);
}
