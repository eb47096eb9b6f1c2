#include "ia2.h"
#include "stepped.h"

/* gate stepped_direct args_int=1 ret_int=1 */
/* gate stepped_many args_int=6 ret_int=1 stack_words=3 */
/* gate stepped_memory args_int=2 ret_int=1 sret_bytes=80 */
/* gate stepped_calls_back args_int=1 ret_int=1 */
/* gate stepped_pointer ret_int=1 */
/* gate stepped_private args_int=1 ret_int=1 type=0x10 export=0 */
IA2_DECLARE_GATE(stepped_private);

int stepped_private(int x)
{
    return x + 3;
}

int stepped_direct(int x)
{
    return x + 1;
}

long stepped_many(long a, long b, long c, long d, long e, long f, long g, long h, long i)
{
    return a + b + c + d + e + f + g + h + i;
}

struct stepped_big stepped_memory(int x)
{
    struct stepped_big big = {{x}};
    return big;
}

int stepped_calls_back(stepped_back_t *back)
{
    return IA2_CALL(back, 0x10)(1);
}

stepped_back_t *stepped_pointer(void)
{
    return IA2_FN(stepped_private);
}
