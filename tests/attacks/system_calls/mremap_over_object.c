/* class: system_calls
 * source: PKU Pitfalls, section 4.1; mremap(2)
 * tries: to move a page of the attacker's over the victim's object
 * must: not change the victim's mappings
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char *page = pages(8192, PROT_READ | PROT_WRITE);
    *(long *)page = 0x41414141;
    SYS(SYS_mremap, page, 4096, 4096, 3 /* MAYMOVE, FIXED */, victim_object);
}
