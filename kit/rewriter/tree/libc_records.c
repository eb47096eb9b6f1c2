#include "libc_records.h"

#include <stddef.h>
#include <string.h>

bool is_libc_callback_record(const char *spelling)
{
    static const char *const names[] = {"struct sigaction",
                                        "struct _IO_cookie_io_functions_t",
                                        "glob_t",
                                        "glob64_t",
                                        "struct argp",
                                        "struct argp_child",
                                        "struct argp_state",
                                        "struct obstack",
                                        "FTS",
                                        "FTS64"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (!strcmp(spelling, names[i]))
            return true;
    return false;
}
