/* class: system_calls
 * source: move_pages(2)
 * tries: to learn about, or move, the victim's page
 * must: have no effect on its contents
 * expect: stopped */
#include "attack.h"

ATTACK
{
    int status = 0, node = 0;
    void *wanted[1] = {(void *)victim_object};
    SYS(SYS_move_pages, 0, 1, wanted, &node, &status, 2);
}
