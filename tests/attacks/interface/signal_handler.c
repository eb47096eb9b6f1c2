/* class: interface
 * source: signal(2): a function that the victim forwards
 * tries: to have the payload called in the victim as its handler
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_on_signal((void (*)(int))(word)payload);
}
