/* class: system_calls
 * source: remap_file_pages(2)
 * tries: to bring another page of a file under an executable mapping
 * must: fail
 * expect: stopped */
#include "attack.h"

ATTACK
{
    int file = SYS(SYS_memfd_create, "x", 0);
    SYS(SYS_ftruncate, file, 8192);
    SYS(SYS_pwrite64, file, open_all_keys, OPEN_ALL_KEYS_SIZE, 4096);
    long page = SYS(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    if (!FAILED(SYS(SYS_remap_file_pages, page, 4096, 0, 1, 0)))
        run_code((void *)page);
}
