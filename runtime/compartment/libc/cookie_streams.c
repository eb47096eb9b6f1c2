/* fopencookie. start/cookie_streams.c does the work. At exit libc writes out what is in streams
 * with the rights of key 0, and the functions of these streams cannot run then: each compartment
 * does it for its own streams before. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>

#include "compartment/compartment.h"
#include "start/cookie_streams.h"

#define HIDDEN __attribute__((visibility("hidden")))

static void flush(void)
{
    ia2_cookie_streams_flush();
}

HIDDEN FILE *__wrap_fopencookie(void *cookie, const char *mode, cookie_io_functions_t functions)
{
    static int registered;
    if (!registered++)
        atexit(flush);
    return ia2_cookie_stream(cookie, mode, functions);
}
