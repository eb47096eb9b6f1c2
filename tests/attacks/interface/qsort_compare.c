/* class: interface
 * source: qsort(3): a callback that the victim forwards to libc
 * tries: to have the payload called by libc in the victim
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    long *values = (long *)shared_at(0x4000);
    values[0] = 2;
    values[1] = 1;
    victim_qsort(values, 2, (int (*)(const void *, const void *))(word)payload);
}
