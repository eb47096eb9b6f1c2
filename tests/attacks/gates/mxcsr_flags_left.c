/* class: gates
 * source: MXCSR's sticky flags say what was computed
 * tries: to learn from the flags that the victim's division was not exact
 * must: give the caller its own MXCSR back
 * expect: stopped */
#include "attack.h"

ATTACK
{
    unsigned clear = 0x1f80, after;
    asm volatile("ldmxcsr %0" ::"m"(clear));
    victim_call(DIVIDE, 1, 10);
    asm volatile("stmxcsr %0" : "=m"(after));
    if (after != clear)
        effect("the victim's flags are visible");
}
