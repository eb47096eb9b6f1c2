/* class: system_calls
 * source: shmat(2) with SHM_EXEC
 * tries: to attach a segment writable here and executable there
 * must: not get both
 * expect: stopped */
#include "attack.h"
#include <sys/shm.h>

ATTACK
{
    long id = SYS(SYS_shmget, IPC_PRIVATE, 4096, 01700);
    long data = SYS(SYS_shmat, id, 0, 0), code = SYS(SYS_shmat, id, 0, SHM_EXEC);
    SYS(SYS_shmctl, id, IPC_RMID, 0);
    if (!FAILED(data))
        memcpy((void *)data, open_all_keys, OPEN_ALL_KEYS_SIZE);
    run_code((void *)code);
}
