/* class: memory
 * source: the threat model's first claim
 * tries: to read a thread-local variable of the victim's
 * must: fault
 * expect: stopped */
#include "attack.h"

ATTACK
{
    leak((char *)victim_call(TLS_SECRET_AT, 0, 0));
}
