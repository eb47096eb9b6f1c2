/* class: interface
 * source: fopencookie(3): functions in a record that the victim forwards
 * tries: to have the payload called by libc in the victim when the stream is read
 * must: give libc a copy whose function pointers were checked
 * expect: stopped */
#include "attack.h"

ATTACK
{
    cookie_io_functions_t *functions = (cookie_io_functions_t *)shared_at(0x6000);
    memset(functions, 0, sizeof *functions);
    functions->read = (cookie_read_function_t *)(word)payload;
    victim_stream(functions);
}
