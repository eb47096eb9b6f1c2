/* class: interface
 * source: sigaction(2): a handler that the victim takes from shared memory
 * tries: to have the payload called in the victim as its handler
 * must: check the pointer as at an indirect call
 * expect: stopped */
#include "attack.h"

ATTACK
{
    struct sigaction *action = (struct sigaction *)shared_at(0x6000);
    memset(action, 0, sizeof *action);
    action->sa_handler = (void (*)(int))(word)payload;
    victim_handler_of(action);
}
