/* class: libc
 * source: GCONV_PATH; iconv_open(3) loads a library with the rights of who converts
 * tries: to have the victim's iconv_open load a library of the attacker's
 * must: have no effect on other compartments
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char path[4096];
    if (!getcwd(path, sizeof path - 10) || access("gconv/gconv-modules", R_OK))
        cannot("the module is not there");
    setenv("GCONV_PATH", strcat(path, "/gconv"), 1);
    victim_call(CONVERT, 0, 0);
}
