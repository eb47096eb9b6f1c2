#include "libc_code.h"

static int secret = 42;

/* gate secret_of_2 ret_int=1 */
const int *secret_of_2(void)
{
    return &secret;
}
