/* Exit functions of mixed compartments, one of them with an owner that is not known. With an argument: how. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ia2.h"
#include "dl_debug.h"

static char own[] = "main's";
int __cxa_atexit(void (*)(void *), void *, void *);

/* destructor main_cleanup */
__attribute__((destructor)) void main_cleanup(void)
{
    printf("main_cleanup %s %d\n", own, library_value());
}

/* destructor main_at_exit */
void main_at_exit(void)
{
    printf("main_at_exit %s\n", own);
}

/* destructor main_on_exit */
void main_on_exit(int status, void *arg)
{
    printf("main_on_exit %d %s\n", status, (char *)arg);
}

/* destructor main_cxa */
void main_cxa(void *arg)
{
    printf("main_cxa %s\n", (char *)arg);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    atexit(main_at_exit);
    library_open();
    on_exit(main_on_exit, own);
    if (!strcmp(mode, "unknown")) /* another compartment's function, not its gate */
        atexit((void (*)(void))library_function());
    if (!strcmp(mode, "libc"))
        atexit((void (*)(void))sync);
    __cxa_atexit(main_cxa, own, NULL);
    return 4;
}
