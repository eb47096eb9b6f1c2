/* class: system_calls
 * source: userfaultfd(2)
 * tries: to have the victim's object read from the attacker
 * must: fail
 * expect: stopped */
#include "attack.h"
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

static char source[4096] __attribute__((aligned(4096)));

ATTACK
{
    int file = SYS(SYS_userfaultfd, 0);
    struct uffdio_api api = {UFFD_API, 0, 0};
    struct uffdio_register range = {{(word)victim_object, 4096}, UFFDIO_REGISTER_MODE_MISSING, 0};
    struct uffdio_copy copy = {(word)victim_object, (word)source, 4096, 0, 0};
    SYS(SYS_ioctl, file, UFFDIO_API, &api);
    SYS(SYS_madvise, victim_object, 4096, 4 /* MADV_DONTNEED */);
    SYS(SYS_ioctl, file, UFFDIO_REGISTER, &range);
    *(long *)source = 0x41414141;
    SYS(SYS_ioctl, file, UFFDIO_COPY, &copy);
}
