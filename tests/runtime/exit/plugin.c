#include <stdio.h>
#include <stdlib.h>
#include "ia2.h"

static char own[] = "plugin's";
static char *made;
static __thread int counter = 40;

static void by_atexit(void)
{
    printf("plugin's atexit %s %s %d\n", own, made, ia2_get_compartment() == PKEY);
}

__attribute__((constructor)) static void construct(void)
{
    made = malloc(100000);
    snprintf(made, 100, "made");
    atexit(by_atexit);
    printf("plugin's constructor %d\n", ia2_get_compartment() == PKEY);
}

/* destructor plugin_cleanup */
__attribute__((destructor)) void plugin_cleanup(void)
{
    printf("plugin's destructor %s %s %d\n", own, made, ia2_get_compartment() == PKEY);
    free(made);
}

/* gate plugin_value args_int=1 ret_int=1 */
int plugin_value(int n)
{
    return ia2_get_compartment() == PKEY ? n + 1 : 0;
}

/* gate plugin_own ret_int=1 */
char *plugin_own(void)
{
    return own;
}

/* gate plugin_thread_local ret_int=1 */
int plugin_thread_local(void)
{
    return ++counter;
}
