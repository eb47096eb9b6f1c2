/* The monitor's entry for threads that have no record yet, or are to have none any more. */
#ifndef IA2_TURN_H
#define IA2_TURN_H

#include <stdint.h>

/* turn.S: enters the monitor on a thread that begins (\a begins), or ends. A gate cannot do that,
 * as it finds its thread by the record. \a emptied: the compartments that have emptied their
 * storage. With the rights of key 0. */
void ia2_thread_turn(int begins, uint32_t slot, uint32_t emptied);

#endif
