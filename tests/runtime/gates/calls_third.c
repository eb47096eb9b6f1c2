#include "ia2.h"
#include "calls.h"

/* gate third_gate ret_int=1 */
/* gate third_calls_library args_int=1 ret_int=1 */
/* gate third_callback args_int=2 ret_int=1 type=0x77 export=0 */
IA2_DECLARE_GATE(third_callback);

int third_callback(int n, void *p)
{
    (void)p;
    return 3 * n * (ia2_get_compartment() == PKEY);
}

callback *third_gate(void)
{
    return IA2_FN(third_callback);
}

int third_calls_library(int which)
{
    return which ? lib_first_only(1) : lib_recurse(4);
}
