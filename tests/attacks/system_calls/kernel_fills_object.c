/* class: system_calls
 * source: PKU Pitfalls, section 4.3: the kernel as a deputy
 * tries: to have uname, clock_gettime, getrandom, read and time write to the victim's object
 * must: fail with EFAULT
 * expect: stopped */
#include "attack.h"

ATTACK
{
    int ends[2];
    SYS(SYS_pipe, ends);
    SYS(SYS_write, ends[1], "AAAAAAAA", 8);
    SYS(SYS_uname, victim_object);
    SYS(SYS_clock_gettime, 0, victim_object);
    SYS(SYS_getrandom, victim_object, 8, 0);
    SYS(SYS_read, ends[0], victim_object, 8);
    SYS(SYS_time, victim_object);
    SYS(SYS_getcwd, victim_object, 4096);
}
