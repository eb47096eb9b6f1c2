/* What IA2_CHECKED functions call around conditions, and when one does not hold. */
#include <errno.h>

#include "compartment/compartment.h"
#include "base/die.h"
#include "ia2.h"

void ia2_condition_failed(const char *what)
{
    ia2_die("compartment %s: the %s does not hold", ia2_this_compartment.name, what);
}

int ia2_errno_now(void)
{
    return errno;
}

void ia2_errno_back(const int *was)
{
    errno = *was;
}
