/* A synthetic destructor per compartment, each with a name in its table. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "ia2.h"
#include "dl_debug.h"

static char own[] = "main's"; /* readable in its compartment alone */

/* destructor main_cleanup */
__attribute__((destructor)) void main_cleanup(void)
{
    printf("main_cleanup %s %d\n", own, ia2_get_compartment() == PKEY);
}

/* destructor main_at_exit */
void main_at_exit(void)
{
    printf("main_at_exit %s %d\n", own, ia2_get_compartment() == PKEY);
}

int main(void)
{
    atexit(main_at_exit);
    library_open();
    puts("main");
    return 5;
}
