/* class: interface
 * source: pthread_create(3): a function that the victim forwards
 * tries: to have a thread of the victim's start in the payload
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_thread((void *(*)(void *))(word)payload, NULL);
}
