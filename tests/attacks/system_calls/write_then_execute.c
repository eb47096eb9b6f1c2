/* class: system_calls
 * source: mprotect(2)
 * tries: to write a WRPKRU to a page and then to make the page executable
 * must: not get an executable page whose bytes nobody has looked at
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char *page = pages(4096, PROT_READ | PROT_WRITE);
    memcpy(page, open_all_keys, OPEN_ALL_KEYS_SIZE);
    if (SYS(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC))
        return;
    run_code(page);
}
