/* class: system_calls
 * source: open(2) with O_DIRECT: the kernel pins pages
 * tries: to write the secret's page to a file without a copy
 * must: fail: the kernel looks at PKRU when it pins the page
 * expect: stopped */
#include "attack.h"

ATTACK
{
    char *page = pages(4096, PROT_READ | PROT_WRITE);
    int file = SYS(SYS_open, "direct", O_RDWR | O_CREAT | O_DIRECT, 0600);
    if (SYS(SYS_pwrite64, file, page_of(victim_secret), 4096, 0) == 4096 &&
        SYS(SYS_pread64, file, page, 4096, 0) == 4096)
        leak(page + ((word)victim_secret & 4095));
}
