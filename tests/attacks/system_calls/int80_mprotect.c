/* class: system_calls
 * source: the 32-bit entry of the kernel, which a filter on 64-bit numbers does not see
 * tries: to make a page executable by int 0x80
 * must: not make a system call of the other architecture
 * expect: stopped */
#include "attack.h"

ATTACK
{
    long result, low = 0x20000000;
    SYS(SYS_mmap, low, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memcpy((void *)low, open_all_keys, OPEN_ALL_KEYS_SIZE);
    asm volatile("push %%rbx; mov %1, %%rbx; int $0x80; pop %%rbx"
                 : "=a"(result)
                 : "r"(low), "a"(125L), "c"(4096L), "d"(7L)
                 : "memory");
    if (!(int)result)
        run_code((void *)low);
}
