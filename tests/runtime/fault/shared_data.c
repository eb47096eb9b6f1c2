#include "ia2.h"
#include "sides.h"

/* share shared_data */
int shared_data[4] IA2_SHARED_DATA = {42};
