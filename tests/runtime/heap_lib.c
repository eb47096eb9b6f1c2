#include "heap_family.h"

/* gate lib_malloc args_int=1 ret_int=1 */
/* gate lib_free args_int=1 */
/* gate lib_realloc args_int=2 ret_int=1 */
/* gate lib_shared args_int=1 ret_int=1 */
/* gate lib_family ret_int=1 */
/* gate lib_sum args_int=2 ret_int=1 */

void *lib_malloc(size_t size)
{
    void *p = malloc(size);
    memset(p, 1, size);
    return p;
}

void lib_free(void *p)
{
    free(p);
}

void *lib_realloc(void *p, size_t size)
{
    return realloc(p, size);
}

void *lib_shared(size_t size)
{
    void *p = shared_malloc(size);
    CHECK(IS_SHARED(p));
    memset(p, 2, size);
    return p;
}

int lib_family(void)
{
    family();
    from_libc();
    return 5;
}

int lib_sum(const unsigned char *p, size_t size)
{
    int sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += p[i];
    return sum;
}
