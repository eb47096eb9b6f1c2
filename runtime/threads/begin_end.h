/* How a thread comes to the monitor and leaves it for good. In the monitor. */
#ifndef IA2_BEGIN_END_H
#define IA2_BEGIN_END_H

#include <stdint.h>

struct ia2_thread_record;

/* For turn.S: the calling thread begins in this slot, or ends. Aborts if the slot is not its own.
 */
void ia2_thread_begins(uint32_t slot);
void ia2_thread_ends(uint32_t slot, uint32_t emptied);

/* The record of the calling thread, shown by what the kernel says of the thread. Aborts if it has
 * none. */
struct ia2_thread_record *ia2_own_record(void);

#endif
