#include <stdlib.h>
#include "ia2.h"
#include "heap_test.h"

/* gate third_allocates_in_library ret_int=1 */
/* gate third_frees args_int=1 */

void *third_allocates_in_library(void)
{
    IA2_ALLOCATE_IN(2);
    return malloc(10);
}

void third_frees(void *p)
{
    free(p);
}
