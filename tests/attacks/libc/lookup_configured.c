/* class: libc
 * source: __nss_configure_lookup: names the libraries that look for users and hosts
 * tries: to have others load a library of its choice
 * must: be refused
 * expect: stopped */
#include "attack.h"

ATTACK
{
    int (*configure)(const char *, const char *) = exported("__nss_configure_lookup");
    if (configure && !configure("passwd", "evil"))
        effect("the libraries of the other compartments are chosen");
}
