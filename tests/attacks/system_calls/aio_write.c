/* class: system_calls
 * source: io_submit(2)
 * tries: to have the kernel write the secret to a file asynchronously
 * must: fail: the kernel copies with the caller's PKRU
 * expect: stopped */
#include "attack.h"
#include <linux/aio_abi.h>

ATTACK
{
    aio_context_t context = 0;
    char bytes[16];
    struct iocb request, *list = &request;
    struct io_event event;
    int file = SYS(SYS_open, "aio", O_RDWR | O_CREAT | O_TRUNC, 0600);
    memset(&request, 0, sizeof request);
    request.aio_lio_opcode = IOCB_CMD_PWRITE;
    request.aio_fildes = file;
    request.aio_buf = (word)victim_secret;
    request.aio_nbytes = 16;
    SYS(SYS_io_setup, 4, &context);
    if (SYS(SYS_io_submit, context, 1, &list) == 1)
        SYS(SYS_io_getevents, context, 1, 1, &event, 0);
    if (SYS(SYS_pread64, file, bytes, 16, 0) == 16)
        leak(bytes);
}
