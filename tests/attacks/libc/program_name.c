/* class: libc
 * source: error(3): program_invocation_name is a pointer of libc's
 * tries: to have the victim's error() print its secret for the program's name
 * must: not read the victim's memory for others
 * expect: succeeds until libc's data are private */
#include "attack.h"

ATTACK
{
    SYS(SYS_dup2, 1, 2);
    char **name = exported("program_invocation_name");
    SYS(SYS_write, 1, "LEAK:", 5);
    *name = victim_secret;
    victim_call(REPORT_ERROR, 0, 0);
}
