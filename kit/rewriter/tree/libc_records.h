/* The records of libc's headers that hold function pointers which libc calls. What other system
 * headers hold is called by the libraries that they belong to. */
#ifndef IA2_LIBC_RECORDS_H
#define IA2_LIBC_RECORDS_H

#include <stdbool.h>

/* \a spelling: canonical and unqualified, as `struct sigaction`. SIGEV_THREAD, for which a `struct
 * sigevent` has one, is refused by the runtime (compartment/libc/notifications.c). */
bool is_libc_callback_record(const char *spelling);

#endif
