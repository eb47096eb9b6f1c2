/* class: system_calls
 * source: PKU Pitfalls, section 4.3; process_vm_readv(2)
 * tries: to have the kernel read and write the victim's memory in the process itself
 * must: fail
 * expect: stopped */
#include "attack.h"
#include <sys/uio.h>

ATTACK
{
    char bytes[16];
    long changed = 0x41414141;
    struct iovec into = {bytes, 16}, secret = {victim_secret, 16};
    struct iovec from = {&changed, 8}, object = {(void *)victim_object, 8};
    if (SYS(SYS_process_vm_readv, getpid(), &into, 1, &secret, 1, 0) == 16)
        leak(bytes);
    SYS(SYS_process_vm_writev, getpid(), &from, 1, &object, 1, 0);
}
