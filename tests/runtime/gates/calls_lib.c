#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ia2.h"
#include "calls.h"

/* gate lib_ping args_int=2 ret_int=1 */
/* gate lib_call args_int=2 ret_int=1 */
/* gate lib_call_as args_int=2 ret_int=1 */
/* gate lib_own ret_int=1 */
/* gate lib_recurse args_int=1 ret_int=1 */
/* gate lib_private args_int=2 ret_int=1 type=0x77 export=0 */
/* gate lib_first_only args_int=1 ret_int=1 callers=0x2 */
IA2_DECLARE_GATE(lib_private);

static int depth_seen;

int lib_ping(int depth, callback *back)
{
    char block[300];
    memset(block, depth, sizeof(block));
    if (ia2_get_compartment() != PKEY)
        abort();
    depth_seen++;
    int r = depth ? IA2_CALL(back, TYPE_CALLBACK)(depth - 1, (void *)back) + 1 : 0;
    for (unsigned i = 0; i < sizeof(block); i++)
        if (block[i] != (char)depth)
            abort();
    return r;
}

int lib_call(callback *function, int n)
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += IA2_CALL(function, TYPE_CALLBACK)(i, NULL);
    return sum;
}

int lib_call_as(callback *function, unsigned type)
{
    return IA2_CALL(function, type)(1, NULL);
}

int lib_private(int n, void *p)
{
    return ia2_get_compartment() == 2 ? n + 1000 + (p != NULL) : -1;
}

callback *lib_own(void)
{
    return IA2_FN(lib_private);
}

int lib_recurse(int n)
{
    return n ? 1 + lib_recurse(n - 1) : 0;
}

int lib_first_only(int x)
{
    return x + ia2_get_compartment();
}
