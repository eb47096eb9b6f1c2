/* class: libc
 * source: tzname(3) is a pointer of libc's
 * tries: to have the victim print its secret for the name of the time zone
 * must: not read the victim's memory for others
 * expect: succeeds until libc's data are private */
#include "attack.h"

ATTACK
{
    char **names = exported("tzname");
    victim_call(SHOW_ZONE, 0, 0); /* tzset has run */
    SYS(SYS_write, 1, "LEAK:", 5);
    names[0] = victim_secret;
    victim_call(SHOW_ZONE, 0, 0);
}
