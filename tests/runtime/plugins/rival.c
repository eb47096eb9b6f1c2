#include "host.h"

int rival_run(int value) { return host_for_rival(value); }
