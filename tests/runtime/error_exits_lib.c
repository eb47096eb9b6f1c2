/* The library of error_exits.c, with an error() of its own in one variant. */
#include <err.h>
#include <stdio.h>
#include <string.h>
#ifdef OWN_ERROR
void error(const char *text);
#else
#include <error.h>
#endif

/* gate lib_complain args_int=2 ret_int=1 */
int lib_complain(const char *what, int n)
{
    if (!strcmp(what, "errx"))
        errx(7, "of the library, %d", n);
#ifdef OWN_ERROR
    error("its own\n");
#else
    error(8, 0, "of the library, %d", n);
#endif
    return 9;
}
