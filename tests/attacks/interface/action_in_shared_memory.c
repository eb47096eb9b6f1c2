/* class: interface
 * source: sigaction(2): a record of libc's in memory that everybody writes
 * tries: to have the payload called in the victim as the handler in it
 * must: give libc a copy whose function pointers were checked
 * expect: stopped */
#include "attack.h"

ATTACK
{
    struct sigaction *action = (struct sigaction *)shared_at(0x6000);
    memset(action, 0, sizeof *action);
    action->sa_handler = (void (*)(int))(word)payload;
    victim_action(action);
}
