/* class: system_calls
 * source: process_madvise(2)
 * tries: to have the victim's pages paged out by a descriptor of its own process
 * must: not change what the victim reads
 * expect: stopped */
#include "attack.h"
#include <sys/uio.h>

ATTACK
{
    struct iovec range = {(void *)victim_object, 4096};
    int process = SYS(SYS_pidfd_open, getpid(), 0);
    SYS(SYS_process_madvise, process, &range, 1, 21 /* MADV_PAGEOUT */, 0);
}
