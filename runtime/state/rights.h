/* Which thread and which compartment the caller is. All functions are async-signal-safe, from any
 * thread, with any rights. */
#ifndef IA2_RIGHTS_H
#define IA2_RIGHTS_H

#include <stdint.h>

struct ia2_thread_record;

/* Of the calling thread, as the register has it. The word at %fs:0, which compilers use, is in
 * libc's memory, where everybody can write it. */
uint64_t ia2_fs_base(void);

/* The record of the calling thread, or NULL if it was not made by the runtime. */
const struct ia2_thread_record *ia2_this_thread(void);

/* The compartment whose rights the caller has now (by PKRU), or -1 if PKRU is no compartment's. */
int ia2_current_compartment(void);
uint32_t ia2_read_pkru(void);
/* Key of a PKRU value, -1 if it is no compartment's. */
int ia2_compartment_of_pkru(uint32_t pkru);

/* rights.S: gives up every right but key 0's. */
void ia2_keep_key0(void);

/* rights.S: takes the rights of all compartments, where the environment asked for that
 * (IA2_EXIT_OPEN_ALL). Ends the process otherwise. */
void ia2_take_all_keys(void);

#endif
