/* class: state
 * source: the monitor maps memory under a caller's key
 * tries: to have it map memory over the victim's pages, in the attacker's name and in the victim's
 * must: refuse memory that has another owner
 * expect: stopped */
#include "attack.h"
#include "state/monitor.h"

ATTACK
{
    struct { /* memory/own_memory.c */
        word at, size, offset;
        int prot, flags, fd, unused;
    } wish[] = {{page_of(victim_secret), 4096, 0, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0},
                {page_of(victim_object), 4096, 0, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0}};
    block_signals();
    for (int name = 0; name < 16; name++)
        for (int i = 0; i < 2; i++)
            descriptor_of(own_key)->monitor(IA2_DO_MEMORY_MAP, (long)&wish[i], 0, 0, 0, name);
    own();
}
