/* class: system_calls
 * source: PKU Pitfalls, section 4.3; vmsplice(2)
 * tries: to have the kernel put the secret's page into a pipe
 * must: fail: the kernel looks at PKRU when it pins the page
 * expect: stopped */
#include "attack.h"
#include <sys/uio.h>

ATTACK
{
    int ends[2];
    char bytes[16];
    struct iovec range = {victim_secret, 16};
    SYS(SYS_pipe, ends);
    if (SYS(SYS_vmsplice, ends[1], &range, 1, 0) == 16 && SYS(SYS_read, ends[0], bytes, 16) == 16)
        leak(bytes);
}
