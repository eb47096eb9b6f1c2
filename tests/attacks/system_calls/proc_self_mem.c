/* class: system_calls
 * source: PKU Pitfalls, section 4.3; proc(5)
 * tries: to read and write the victim's memory through /proc/self/mem, which ignores keys
 * must: not be opened
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char bytes[16];
    long changed = 0x41414141;
    int file = SYS(SYS_open, "/proc/self/mem", O_RDWR);
    if (SYS(SYS_pread64, file, bytes, 16, victim_secret) == 16)
        leak(bytes);
    SYS(SYS_pwrite64, file, &changed, 8, victim_object);
}
