/* The end, without libc. end_process.S. */
#ifndef IA2_END_PROCESS_H
#define IA2_END_PROCESS_H

/* Ends the process by SIGABRT, whatever handlers it has and whatever another thread sets meanwhile.
 * If such a handler gets in between, the process ends by SIGSEGV, and if SIGABRT is ignored, with
 * the status 134. abort() would first run the program's handler, which may jump out of it.
 * Async-signal-safe and thread-safe, with any rights. */
void ia2_end_process(void) __attribute__((noreturn));

/* What it hands to rt_sigaction and to sigaltstack. The filter of system calls knows the addresses
 * (containment/filter.c). */
extern const char ia2_default_action[], ia2_no_signal_stack[];

#endif
