/* PKRU in the frame that the kernel made of an interrupted thread. */
#ifndef IA2_SIGNAL_FRAME_H
#define IA2_SIGNAL_FRAME_H

#include <stdint.h>
#include <ucontext.h>

/* The rights of the interrupted thread; on a CPU without keys the virtual ones. Aborts if the frame
 * has none. Async-signal-safe. */
uint32_t ia2_frame_pkru(const ucontext_t *context);

/* The rights with which the thread goes on; nothing on a CPU without keys. Async-signal-safe. */
void ia2_frame_set_pkru(ucontext_t *context, uint32_t pkru);

#endif
