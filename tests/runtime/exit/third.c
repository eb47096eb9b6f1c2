#define WHO third
#include "party.h"

/* gate third_set_up args_int=1 */
void third_set_up(int round)
{
    set_up(round);
}

/* gate third_set_up_thread */
void third_set_up_thread(void)
{
    set_up_thread();
}

/* gate third_leave args_int=1 */
void third_leave(int way)
{
    leave(way);
}
