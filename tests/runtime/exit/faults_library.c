#include <stdio.h>
#include <stdlib.h>
#include "ia2.h"
#include "faults.h"

static char own[] = "library's";
static volatile int zero;

/* gate library_add args_int=2 ret_int=1 */
int library_add(int a, int b)
{
    return a + b;
}

/* gate library_fault */
void library_fault(void)
{
    *(volatile int *)(long)zero = 1;
}

/* gate library_call args_int=1 */
void library_call(void (*function)(void))
{
    function();
}

static void faulty(void)
{
    printf("library's faulty\n");
    *(volatile int *)(long)zero = 1;
}

/* gate library_register */
void library_register(void)
{
    atexit(faulty);
}

/* gate library_leave args_int=1 */
void library_leave(int status)
{
    exit(status);
}

/* gate library_own ret_int=1 */
char *library_own(void)
{
    return own;
}

static void raw(void)
{
    printf("raw %d %s\n", ia2_get_compartment(), own);
}

/* gate library_raw ret_int=1 */
void *library_raw(void)
{
    return (void *)raw;
}

__attribute__((destructor)) static void destroy(void)
{
    printf("library's destructor %s\n", own);
}
