/* Where the kernel enters each handler. */
#ifndef IA2_SIGNAL_ENTRY_H
#define IA2_SIGNAL_ENTRY_H

#include <signal.h>

/* entry.S: takes the monitor's rights, goes to its stack, and leaves by the frame that
 * ia2_signal_arrived returns. On a thread without a record it takes the rights of key 0 and goes on
 * with ia2_signal_unknown. For the kernel alone. */
void ia2_signal_entry(int number, siginfo_t *info, void *context);

/* The same for SIGSYS before Linux 6.12, whose frame lies on the stack of who made the system call:
 * nobody else can write it there. */
void ia2_trap_entry(int number, siginfo_t *info, void *context);

#endif
