/* Linked into a compartment whose policy has guests = false, by --undefined=ia2_no_guests, and into
 * no other. */
#include "compartment/libc/loading.h"

extern const char ia2_no_guests;
const char ia2_no_guests = 1;

/* In place of the weak one in loading.c. */
int ia2_refuses_guests(void)
{
    return 1;
}
