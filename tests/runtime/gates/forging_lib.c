#include <unistd.h>
#include "ia2.h"
#include "forge.h"

/* gate sites_with_library_suspended args_int=1 ret_int=1 */

int sites_with_library_suspended(int quick)
{
    pid_t own = getpid();
    int result = attack_every_site_1(2, quick);
    if (getpid() != own)
        _exit(42);
    return result;
}
