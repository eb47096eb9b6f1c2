/* class: system_calls
 * source: prctl(2) with PR_SET_MM: /proc/self/cmdline reads where it says, as the kernel
 * tries: to make the secret the program's command line
 * must: fail
 * expect: stopped */
#include "attack.h"
#include <sys/prctl.h>

ATTACK
{
    char bytes[16];
    SYS(SYS_prctl, PR_SET_MM, PR_SET_MM_ARG_START, (word)victim_secret, 0, 0);
    SYS(SYS_prctl, PR_SET_MM, PR_SET_MM_ARG_END, (word)victim_secret + 16, 0, 0);
    SYS(SYS_prctl, PR_SET_MM, PR_SET_MM_ARG_START, (word)victim_secret, 0, 0);
    int file = SYS(SYS_open, "/proc/self/cmdline", O_RDONLY);
    if (SYS(SYS_read, file, bytes, 16) == 16)
        leak(bytes);
}
