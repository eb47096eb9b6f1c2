/* setjmp and longjmp. */
#ifndef IA2_COMPARTMENT_JUMPS_H
#define IA2_COMPARTMENT_JUMPS_H

#pragma GCC visibility push(hidden)

/* The thread ends: frees what this compartment knows of its jump buffers. */
void ia2_jump_records_end(void);

#pragma GCC visibility pop

#endif
