/* class: gates
 * source: arch_prctl(2) with ARCH_SET_FS; WRFSBASE
 * tries: to call the victim with %fs at a copy of the thread's storage that the attacker can write
 * must: end the process: the FS base is not the one of the thread's record
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char *copy = pages(1 << 20, PROT_READ | PROT_WRITE) + (1 << 19);
    char *own_storage = __builtin_thread_pointer();
    memcpy(copy, own_storage, 2048);
    memcpy(copy - 64, own_storage - 64, 64);
    for (word below = 4096; below <= 65536; below += 4096)
        if (readable(own_storage - below))
            memcpy(copy - below, own_storage - below, 4096);
    ((word *)copy)[0] = ((word *)copy)[2] = (word)copy;
    if (SYS(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, copy))
        return;
    victim_call(ADD, 1, 2);
    effect("the victim ran with thread-local storage of the attacker's");
}
