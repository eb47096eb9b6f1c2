/* class: system_calls
 * source: PKU Pitfalls (Connor et al. 2020), section 4.2: mapped files change
 * tries: to map a file executable, then to write a WRPKRU to the file
 * must: not get an executable mapping of a file that it can write
 * expect: stopped */
#include "attack.h"

ATTACK
{
    int file = SYS(SYS_open, "changed-code", O_RDWR | O_CREAT | O_TRUNC, 0700);
    SYS(SYS_ftruncate, file, 4096);
    long page = SYS(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    SYS(SYS_pwrite64, file, open_all_keys, OPEN_ALL_KEYS_SIZE, 0);
    run_code((void *)page);
}
