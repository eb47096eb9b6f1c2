/* What IA2_CHECKED functions call when a condition does not hold. */
#include "compartment.h"
#include "ia2.h"

void ia2_condition_failed(const char *what)
{
    ia2_die("compartment %s: the %s does not hold", ia2_this_compartment.name, what);
}
