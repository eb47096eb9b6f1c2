/* class: gates
 * source: setjmp(3): the buffer is data
 * tries: siglongjmp with a buffer full of the payload's address
 * must: end the process
 * expect: stopped */
#include "attack.h"
#include <setjmp.h>

ATTACK
{
    sigjmp_buf *buffer = (sigjmp_buf *)shared_at(0x2000);
    if (!sigsetjmp(*buffer, 1)) {
        for (unsigned i = 0; i < sizeof *buffer / 8; i++)
            ((word *)buffer)[i] = (word)payload;
        siglongjmp(*buffer, 1);
    }
}
