/* class: system_calls
 * source: io_uring(7): a worker thread of the kernel makes the call
 * tries: to have the secret written to a pipe by a worker, whose PKRU may be another
 * must: fail: the kernel gives workers the PKRU of who submitted; setting one up is refused later
 * expect: stopped */
#include "attack.h"
#include <linux/io_uring.h>
#include <sys/ioctl.h>

ATTACK
{
    struct io_uring_params parameters;
    int ends[2], waiting = 0;
    char bytes[16];
    memset(&parameters, 0, sizeof parameters);
    int ring = SYS(SYS_io_uring_setup, 8, &parameters);
    if (ring < 0)
        return;
    char *queue = (char *)SYS(SYS_mmap, 0, 8192, 3, MAP_SHARED | MAP_POPULATE, ring,
                              IORING_OFF_SQ_RING);
    struct io_uring_sqe *entry =
        (void *)SYS(SYS_mmap, 0, 4096, 3, MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
    SYS(SYS_pipe, ends);
    memset(entry, 0, sizeof *entry);
    entry->opcode = IORING_OP_WRITE;
    entry->flags = IOSQE_ASYNC;
    entry->fd = ends[1];
    entry->addr = (word)victim_secret;
    entry->len = 16;
    entry->off = -1;
    *(unsigned *)(queue + parameters.sq_off.array) = 0;
    *(volatile unsigned *)(queue + parameters.sq_off.tail) = 1;
    SYS(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0);
    SYS(SYS_ioctl, ends[0], FIONREAD, &waiting);
    if (waiting >= 16 && SYS(SYS_read, ends[0], bytes, 16) == 16)
        leak(bytes);
}
