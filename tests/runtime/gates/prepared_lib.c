/* The victim: it says where its memory is, which everybody can read in the runtime's state. */
#include <string.h>
#include "prepared.h"

/* gate victim_stack ret_int=1 */
/* gate victim_page ret_int=1 */
/* gate victim_page_is_intact ret_int=1 */
/* gate victim_counter ret_int=1 */
/* gate victim_counts ret_int=1 */

static char page[1 << 16] __attribute__((aligned(4096)));
static __thread int counter = 40;

uintptr_t victim_stack(void)
{
    return (uintptr_t)__builtin_frame_address(0);
}

char *victim_page(void)
{
    memset(page, 0x5a, sizeof(page));
    return page;
}

int victim_page_is_intact(void)
{
    for (unsigned i = 0; i < sizeof(page); i++)
        if (page[i] != 0x5a)
            return 0;
    return 1;
}

int *victim_counter(void)
{
    return &counter;
}

int victim_counts(void)
{
    return ++counter;
}
