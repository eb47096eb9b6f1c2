/* class: system_calls
 * source: PKU Pitfalls, section 4.2: two mappings of one memory
 * tries: to have a memfd mapped writable here and executable there
 * must: not get both
 * expect: stopped */
#include "attack.h"

ATTACK
{
    int file = SYS(SYS_memfd_create, "x", 0);
    SYS(SYS_ftruncate, file, 4096);
    long code = SYS(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    long data = SYS(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (!FAILED(data))
        memcpy((void *)data, open_all_keys, OPEN_ALL_KEYS_SIZE);
    run_code((void *)code);
}
