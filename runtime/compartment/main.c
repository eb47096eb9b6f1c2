/* The executable's main, as the C library's start-up code sees it. Linked with --wrap=main. */
#include "start/start.h"
#include "base/die.h"
#include "compartment/compartment.h"

int __real_main(int, char **, char **) __attribute__((weak));
void ia2_main(void) __attribute__((weak, visibility("hidden"))); /* the program's, of IA2's guide */
int __wrap_main(int, char **, char **) __attribute__((visibility("hidden")));

int __wrap_main(int argc, char **argv, char **envp)
{
    return ia2_start(argc, argv, envp);
}

int ia2_compartment_main(int argc, char **argv, char **envp)
{
    if (!__real_main)
        ia2_die("compartment %s has no main", ia2_this_compartment.name);
    /* Once: whoever gives up his own rights may call this with key 0. */
    static int started;
    if (started++)
        ia2_die("compartment %s: main is called twice", ia2_this_compartment.name);
    if (ia2_main)
        ia2_main();
    return __real_main(argc, argv, envp);
}
