/* cookie_streams WHAT: streams of functions, in the compartment that made them and in others. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cookie_streams.h"

static ssize_t show(void *cookie, const char *from, size_t size)
{
    return cookie ? write(1, from, size) : -1;
}

int guest_say(const char *text); /* of a library that is no compartment */

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    static char cookie[1], digits[] = "4711";
    if (!strcmp(what, "own")) {
        setvbuf(stdout, NULL, _IONBF, 0);
        FILE *own = fopencookie(cookie, "w", (cookie_io_functions_t){.write = show});
        fprintf(own, "of %s\n", "app");
        fclose(own);
        for (int i = 0; i < 1000; i++) { /* more than are open at a time */
            own = fopencookie(cookie, "w", (cookie_io_functions_t){.write = show});
            if (!own || fclose(own))
                return 1;
        }
        printf("%d\n", lib_wrote(42));
    } else if (!strcmp(what, "guest")) {
        return guest_say("by a guest\n");
    } else if (!strcmp(what, "to-lib")) {
        lib_print(fopencookie(cookie, "w", (cookie_io_functions_t){.write = show}));
    } else if (!strcmp(what, "to-app")) {
        fputs("text", lib_open());
        fflush(NULL);
    } else if (!strcmp(what, "memory")) {
        FILE *numbers = fmemopen(digits, 4, "r");
        FILE *own = fmemopen(NULL, 100, "w+");
        lib_print(own);
        rewind(own);
        int words = -1;
        if (fscanf(own, "%d", &words) != 1)
            return 1;
        printf("%d %d\n", lib_digits(own) + words, getc(numbers));
        fclose(own);
        fclose(numbers);
    } else if (!strcmp(what, "end")) {
        lib_at_end();
    }
    return 0;
}
