/* stepped CASE: one call between two breakpoint instructions. */
#include <string.h>
#include "ia2.h"
#include "stepped.h"

/* gate stepped_back args_int=1 ret_int=1 type=0x10 export=0 */
IA2_DECLARE_GATE(stepped_back);
int stepped_back(int x)
{
    return x + 2;
}

static __attribute__((noinline)) int plain(int x)
{
    __asm__ volatile("");
    return x + 1;
}

#define BETWEEN(call) \
    __asm__ volatile("int3" ::: "memory"); \
    call; \
    __asm__ volatile("int3" ::: "memory")

int main(int argc, char **argv)
{
    volatile int r = 0;
    struct stepped_big big;
    long (*volatile many)(long, long, long, long, long, long, long, long, long) = stepped_many;
    stepped_back_t *volatile library = stepped_pointer(), *volatile own = IA2_FN(stepped_back);
    if (argc < 2)
        return 2;
    switch (argv[1][0]) {
    case 'p': BETWEEN(r = plain(1)); break;
    case 'd': BETWEEN(r = stepped_direct(1)); break;
    case 'm': BETWEEN(r = (int)many(1, 2, 3, 4, 5, 6, 7, 8, 9)); break;
    case 's': BETWEEN(big = stepped_memory(1)); r = big.v[0]; break;
    case 'i': BETWEEN(r = IA2_CALL(library, 0x10)(1)); break;
    case 'o': BETWEEN(r = IA2_CALL(own, 0x10)(1)); break;
    case 'b': BETWEEN(r = stepped_calls_back(own)); break;
    default: return 2;
    }
    return r == 0;
}
