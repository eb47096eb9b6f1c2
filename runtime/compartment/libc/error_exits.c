/* err, error and their like print a message and end the process. libc's would call exit inside
 * libc: exit runs libc's list of functions, to which every compartment can add, with this
 * compartment's rights. These end the process as this compartment's own exit does.
 *
 * They are weak definitions, not --wrap: many programs have an error() of their own, which --wrap
 * would replace. The linker takes these where libc's would be taken. */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "compartment/compartment.h"
#include "state/addresses.h"

#define REPLACED __attribute__((weak, visibility("hidden")))

REPLACED void verr(int status, const char *format, va_list arguments)
{
    vwarn(format, arguments);
    exit(status);
}

REPLACED void verrx(int status, const char *format, va_list arguments)
{
    vwarnx(format, arguments);
    exit(status);
}

REPLACED void err(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vwarn(format, arguments);
    exit(status);
}

REPLACED void errx(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vwarnx(format, arguments);
    exit(status);
}

/* The program may print its name itself. The pointer is libc's, so every compartment can set it. */
static void print_name(const char *separator)
{
    void (*print)(void) = error_print_progname;
    if (!print) {
        fprintf(stderr, "%s:%s", program_invocation_name, separator);
        return;
    }
    if (!ia2_is_code_of((int)ia2_this_compartment.id, (uintptr_t)print) &&
        !ia2_is_in_gates((const void *)print))
        ia2_die("compartment %s: error_print_progname is no function of this compartment's",
                ia2_this_compartment.name);
    print();
}

static void finish(int status, int number, const char *format, va_list arguments)
{
    vfprintf(stderr, format, arguments);
    error_message_count++;
    if (number)
        fprintf(stderr, ": %s", strerror(number));
    putc('\n', stderr);
    fflush(stderr);
    if (status)
        exit(status);
}

REPLACED void error(int status, int number, const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    print_name(" ");
    va_start(arguments, format);
    finish(status, number, format, arguments);
    va_end(arguments);
}

REPLACED void error_at_line(int status, int number, const char *file, unsigned line,
                            const char *format, ...)
{
    static const char *last_file;
    static unsigned last_line;
    va_list arguments;
    if (error_one_per_line) {
        if (line == last_line &&
            (file == last_file || (file && last_file && !strcmp(file, last_file))))
            return;
        last_file = file;
        last_line = line;
    }
    fflush(stdout);
    print_name("");
    fprintf(stderr, file ? "%s:%u: " : " ", file, line);
    va_start(arguments, format);
    finish(status, number, format, arguments);
    va_end(arguments);
}
