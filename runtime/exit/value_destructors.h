/* The destructors of thread-specific values. */
#ifndef IA2_EXIT_VALUE_DESTRUCTORS_H
#define IA2_EXIT_VALUE_DESTRUCTORS_H

#include <stdint.h>

/* The destructor of a thread-specific value: from pthread_key_create of compartment \a registrant,
 * with its rights. A name for its record, or -1 when none is left. Thread-safe. */
int64_t ia2_exit_add_key(int registrant, void (*destructor)(void *));
/* Inside the registrant: the key is deleted; and a thread ends that has \a value. Nothing happens
 * if the key is deleted already, which another thread may do at any time; 1 if the destructor ran.
 */
void ia2_exit_delete_key(int64_t name, int registrant);
int ia2_exit_run_key(int64_t name, int registrant, void *value);

#endif
