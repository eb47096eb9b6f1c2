/* class: interface
 * source: pthread_key_create(3): a function that the victim forwards
 * tries: to have the payload run in the victim at the end of a thread
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    victim_thread_value((void (*)(void *))(word)payload);
}
