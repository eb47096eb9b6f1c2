/* class: interface
 * source: "Stack Clash" (Qualys 2017)
 * tries: to have the victim move its stack pointer over the guard page into other memory
 * must: fault
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_call(ALLOCATE_STACK, 8l << 20, 0);
    victim_call(ALLOCATE_STACK, (8l << 20) + 262144 + 8192, 0);
    effect("the victim wrote below the guard page of its stack");
}
