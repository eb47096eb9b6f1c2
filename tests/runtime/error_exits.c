/* error_exits WHAT: messages of libc's that may end the process, in both compartments. */
#include <err.h>
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int lib_complain(const char *what, int n);

static void name(void)
{
    fputs("by name", stderr);
}

static void bye(void)
{
    puts("bye");
}

static int complain(const char *what)
{
    errno = ENOENT;
    if (!strcmp(what, "err"))
        err(3, "number %d", 1);
    if (!strcmp(what, "errx"))
        errx(4, "number %d", 2);
    if (!strcmp(what, "error"))
        error(5, ENOENT, "number %d", 3);
    if (!strcmp(what, "error-goes-on")) {
        printf("first\n");
        error(0, 0, "number %d", 4);
        error(0, EPERM, "number %d", 5);
        error_at_line(0, 0, "some.c", 7, "number %d", 6);
        error_at_line(0, EPERM, NULL, 7, "number %d", 7);
        error_one_per_line = 1;
        for (int i = 0; i < 3; i++)
            error_at_line(0, 0, "some.c", 8 + i / 2, "number %d", 8 + i);
        fprintf(stderr, "%u\n", error_message_count);
        error_print_progname = name;
        error(6, 0, " number %d", 11);
    }
    return 1;
}

int main(int argc, char **argv)
{
    atexit(bye);
    if (argc < 2)
        return 2;
    if (!strncmp(argv[1], "lib-", 4))
        return lib_complain(argv[1] + 4, argc);
    return complain(argv[1]);
}
