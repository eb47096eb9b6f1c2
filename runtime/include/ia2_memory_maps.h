/* What is mapped, for a log. */
#ifndef IA2_MEMORY_MAPS_H
#define IA2_MEMORY_MAPS_H

#include <stdio.h>

/* Writes /proc/self/maps to \a log; nothing if it cannot be read. Thread-safe, not
 * async-signal-safe. */
static __inline__ __attribute__((unused)) void ia2_log_memory_maps(FILE *log)
{
    FILE *const maps = fopen("/proc/self/maps", "r");
    int c;
    if (!maps)
        return;
    while ((c = getc(maps)) != EOF)
        putc(c, log);
    fclose(maps);
}

#endif
