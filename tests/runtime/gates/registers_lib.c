#include "ia2.h"
#include "machine_state.h"

/* gate see_nothing */
/* gate see_ints args_int=3 args_sse=1 ret_int=1 */
/* gate see_all args_int=6 args_sse=8 ret_int=2 ret_sse=2 */
/* gate see_stack args_int=6 args_sse=8 stack_words=15 */
/* gate see_memory args_int=1 sret_bytes=40 */
/* gate see_pair args_int=1 ret_int=1 ret_sse=1 */
/* gate see_doubles args_sse=3 ret_sse=2 */

typedef int not_empty;
