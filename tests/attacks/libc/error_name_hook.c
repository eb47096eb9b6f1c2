/* class: libc
 * source: error(3): error_print_progname is a function pointer of libc's
 * tries: to have the victim's error() call the payload
 * must: have no effect on other compartments
 * expect: stopped */
#include "attack.h"

ATTACK
{
    word *pointer = exported("error_print_progname");
    if (!pointer)
        return;
    *pointer = (word)payload;
    victim_call(REPORT_ERROR, 0, 0);
}
