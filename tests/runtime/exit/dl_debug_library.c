#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ia2.h"
#include "dl_debug.h"

static char own[] = "library's";

/* destructor library_cleanup */
__attribute__((destructor)) void library_cleanup(void)
{
    printf("library_cleanup %s %d\n", own, ia2_get_compartment() == PKEY);
}

/* destructor library_at_exit */
void library_at_exit(void)
{
    printf("library_at_exit %s %d\n", own, ia2_get_compartment() == PKEY);
}

/* gate library_open */
void library_open(void)
{
    atexit(library_at_exit);
}

/* gate library_value ret_int=1 */
int library_value(void)
{
    return own[0];
}

/* In no table, and not what anybody else may have run at exit. */
static void library_internal(void)
{
    char copy[sizeof(own)];
    memcpy(copy, own, sizeof(own)); /* faults before anything is printed */
    printf("library_internal %s %d\n", copy, ia2_get_compartment() == PKEY);
}

/* gate library_function ret_int=1 */
void *library_function(void)
{
    return (void *)library_internal;
}
