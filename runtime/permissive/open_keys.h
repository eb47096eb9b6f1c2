/* The rights of the calling thread, without any check. In the runtime of permissive programs only,
 * which protects nothing. */
#ifndef IA2_PERMISSIVE_OPEN_KEYS_H
#define IA2_PERMISSIVE_OPEN_KEYS_H

#include <stdint.h>

/* Opens every key. Returns the PKRU that there was. */
uint32_t ia2_open_keys(void);

/* Sets PKRU. */
void ia2_close_keys(uint32_t pkru);

#endif
