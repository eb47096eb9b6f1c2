/* class: system_calls
 * source: mremap(2) with MREMAP_DONTUNMAP
 * tries: to move the secret's page elsewhere, then to give it key 0
 * must: not move the victim's pages
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char *moved = (char *)SYS(SYS_mremap, page_of(victim_secret), 4096, 4096, 1, 0);
    SYS(SYS_pkey_mprotect, moved, 4096, 3, 0);
    if (!FAILED(moved))
        leak(moved + ((word)victim_secret & 4095));
}
