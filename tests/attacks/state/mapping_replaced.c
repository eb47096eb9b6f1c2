/* class: state
 * source: mmap(2) with MAP_FIXED
 * tries: to map a copy of the page with the signals' records, changed, over the state
 * must: fail
 * expect: stopped */
#include "attack.h"

static char kept[8192] __attribute__((aligned(4096)));

ATTACK
{
    on_signal(SIGUSR2, quiet_handler);
    struct ia2_signal *record = (struct ia2_signal *)&state()->signal[SIGUSR2];
    word page = page_of(record);
    memcpy(kept, (void *)page, 8192);
    if (FAILED(SYS(SYS_mmap, page, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)))
        return;
    memcpy((void *)page, kept, 8192);
    *record = forged_handler();
    raise(SIGUSR2);
}
