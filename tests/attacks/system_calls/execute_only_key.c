/* class: system_calls
 * source: pkeys(7): mprotect(PROT_EXEC) takes a key of the kernel's for execute-only memory
 * tries: to free a key that nobody has, then to make the victim's pages execute-only, then readable and writable, which leads to key 0
 * must: not change the key of the victim's pages
 * expect: stopped */
#include "attack.h"

ATTACK
{
    SYS(SYS_pkey_free, 13);
    SYS(SYS_mprotect, page_of(victim_secret), 4096, PROT_EXEC);
    SYS(SYS_mprotect, page_of(victim_secret), 4096, PROT_READ | PROT_WRITE);
    SYS(SYS_mprotect, page_of(victim_object), 4096, PROT_EXEC);
    SYS(SYS_mprotect, page_of(victim_object), 4096, PROT_READ | PROT_WRITE);
    own();
}
