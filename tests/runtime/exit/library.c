#define WHO library
#include "party.h"

/* gate library_set_up args_int=1 */
void library_set_up(int round)
{
    set_up(round);
}

/* gate library_set_up_thread */
void library_set_up_thread(void)
{
    set_up_thread();
}

/* gate library_leave args_int=1 */
void library_leave(int way)
{
    leave(way);
}

/* gate library_add args_int=2 ret_int=1 */
int library_add(int a, int b)
{
    return a + b;
}
