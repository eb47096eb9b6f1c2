/* class: gates
 * source: the x87 status and last-instruction words say what was computed
 * tries: to read them after the victim computed with long doubles
 * must: find nothing of the victim's
 * expect: stopped */
#include "attack.h"

static unsigned char area[512] __attribute__((aligned(16)));

ATTACK
{
    asm volatile("fninit");
    victim_call(COUNT_TO, 100, 0);
    asm volatile("fxsave %0" : "=m"(area));
    if (*(uint16_t *)(area + 2) & 0x3f)
        effect("the x87 status word holds the victim's exceptions");
}
