/* class: system_calls
 * source: mmap(2)
 * tries: to execute a WRPKRU of its own in a page that is writable and executable
 * must: not get such a page
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char *page = pages(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    if (page)
        memcpy(page, open_all_keys, OPEN_ALL_KEYS_SIZE);
    run_code(page);
}
