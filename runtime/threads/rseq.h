/* Restartable sequences, which the runtime ends. */
#ifndef IA2_RSEQ_H
#define IA2_RSEQ_H

/* Takes back the calling thread's registration, and marks its descriptor so that libc registers
 * none for the threads that this one makes. Idempotent; async-signal-safe. Call it on the first
 * thread before code of a compartment runs, and on each further thread when it starts. Ends the
 * process if the kernel keeps the registration. */
void ia2_rseq_end(void);

#endif
