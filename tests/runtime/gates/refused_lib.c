#include "refused.h"

/* gate touch ret_int=1 */
int touch(void)
{
    return 0;
}
