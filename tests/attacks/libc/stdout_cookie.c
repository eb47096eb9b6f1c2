/* class: libc
 * source: fopencookie(3); stdout is a variable of libc's
 * tries: to put a stream of its own functions in the place of stdout
 * must: have no effect on other compartments
 * expect: stopped */
#include "attack.h"

ATTACK
{
    cookie_io_functions_t functions;
    memset(&functions, 0, sizeof functions);
    functions.write = (cookie_write_function_t *)(word)payload;
    FILE *file = fopencookie(NULL, "w", functions);
    ((struct _IO_FILE *)file)->_flags |= 2; /* unbuffered */
    *(FILE **)exported("stdout") = file;
    victim_call(PUTS, 0, 0);
}
