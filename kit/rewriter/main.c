#include "base/options.h"
#include "passes.h"
#include "tree/program.h"

int main(int argc, char **argv)
{
    /* Static: what they hold is in use until the process ends, and a checker of leaks sees that. */
    static struct options options;
    static struct program program = {.options = &options};

    options_read(&options, argc, argv);
    if (options.passes)
        passes_print();
    else
        passes_run(&program);
    return 0;
}
