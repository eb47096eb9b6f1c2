/* class: state
 * source: the monitor puts a caller's key on pages
 * tries: to have it put the attacker's key on the victim's pages, in the attacker's name and in the
 *   victim's
 * must: refuse memory that has another owner
 * expect: stopped */
#include "attack.h"
#include "state/monitor.h"

ATTACK
{
    block_signals();
    for (int name = 0; name < 16; name++) {
        descriptor_of(own_key)->monitor(IA2_DO_MEMORY_TAKE, page_of(victim_secret), 4096, 3, 0, name);
        descriptor_of(own_key)->monitor(IA2_DO_MEMORY_TAKE, page_of(victim_object), 4096, 3, 0, name);
    }
    own();
}
