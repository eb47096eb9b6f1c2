/* class: system_calls
 * source: PKU Pitfalls, section 4.3: the kernel as a deputy
 * tries: to have write(2), writev(2) and sendto(2) read the secret
 * must: fail with EFAULT: the kernel copies with the caller's PKRU
 * expect: stopped */
#include "attack.h"
#include <sys/socket.h>
#include <sys/uio.h>

ATTACK
{
    int ends[2];
    char bytes[16];
    struct iovec range = {victim_secret, 16};
    SYS(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, ends);
    if (SYS(SYS_write, ends[0], victim_secret, 16) == 16 ||
        SYS(SYS_writev, ends[0], &range, 1) == 16 ||
        SYS(SYS_sendto, ends[0], victim_secret, 16, 0, 0, 0) == 16) {
        SYS(SYS_read, ends[1], bytes, 16);
        leak(bytes);
    }
}
