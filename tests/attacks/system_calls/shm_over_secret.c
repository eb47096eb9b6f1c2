/* class: system_calls
 * source: shmat(2) with SHM_REMAP
 * tries: to put memory of key 0 in the place of the victim's object
 * must: not change the victim's mappings
 * expect: stopped */
#include "attack.h"
#include <sys/shm.h>

ATTACK
{
    long id = SYS(SYS_shmget, IPC_PRIVATE, 4096, 01700);
    long at = SYS(SYS_shmat, id, victim_object, SHM_REMAP);
    SYS(SYS_shmctl, id, IPC_RMID, 0);
    if (!FAILED(at))
        victim_object[0] = 0x41414141;
}
