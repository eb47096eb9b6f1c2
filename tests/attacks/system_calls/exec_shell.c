/* class: system_calls
 * source: execve(2)
 * tries: to replace the program by one without compartments, which has its files and its user
 * must: fail, unless the policy lets this compartment execute programs
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char *words[] = {"/bin/sh", "-c", "echo 'EFFECT: another program runs in place of this one'",
                     NULL};
    char *environment[] = {NULL};
    SYS(SYS_execve, words[0], words, environment);
}
