/* A signal in the monitor: what it means, who handles it, and how the thread goes on. */
#ifndef IA2_ARRIVAL_H
#define IA2_ARRIVAL_H

#include <signal.h>
#include <stdint.h>

struct ia2_thread_record;
struct ia2_frame;

/* For entry.S. In the monitor, with all signals blocked: \a at is the kernel's frame on the thread
 * of
 * \a record. \a virtual_pkru: the rights of the interrupted code, on a CPU without keys. \a copy:
 * of that frame, as ia2_frame_take made it. */
char *ia2_signal_arrived(char *at, const struct ia2_thread_record *record, uint32_t virtual_pkru,
                         struct ia2_frame *copy);

/* For entry.S. With the rights of key 0, on a thread without a record. */
void ia2_signal_unknown(int number, siginfo_t *info, void *context, uint32_t virtual_pkru);

/* The kernel's 64 signals of libc's set, which is larger. */
uint64_t ia2_mask_bits(const sigset_t *set);

#endif
