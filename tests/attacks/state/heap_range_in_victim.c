/* class: state
 * source: what the runtime exports to its compartments
 * tries: to have ia2_heap_range_unmap take away, or ia2_heap_range_map give, the victim's heap
 * must: refuse: the range is another compartment's
 * expect: stopped */
#include "attack.h"

ATTACK
{
    word heap = victim_call(HEAP_SECRET_AT, 0, 0) & -IA2_GRANULE;
    static const char *const names[] = {"ia2_heap_range_unmap", "ia2_heap_range_map"};
    for (int i = 0; i < 2; i++) {
        int status, child = fork();
        if (!child) {
            void *f = exported(names[i]);
            long result;
            asm volatile("call *%1"
                         : "=a"(result)
                         : "r"(f), "D"(heap), "S"(IA2_GRANULE), "d"(0L), "c"(0L)
                         : "r8", "r9", "r10", "r11", "memory");
            char bytes[16];
            memcpy(bytes, (char *)victim_call(HEAP_SECRET_AT, 0, 0), 16);
            leak(bytes);
            SYS(SYS_exit_group, 0);
        }
        waitpid(child, &status, 0);
    }
}
