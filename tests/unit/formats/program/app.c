#include <dlfcn.h>
#include <stdlib.h>
#include "lib.h"
static int pixels[4];
static int fill(struct picture *picture) { return picture->pixels != 0; }
static const filler filled = {fill};
static void at_end(void) {}
__attribute__((destructor(101))) void app_end(void) {}
int app_note(int n) { return n; }
int main(int argc, char **argv)
{
    struct picture picture = {pixels};
    const struct aligned aligned = {{0}};
    void *const plugin = dlopen(argv[1], RTLD_NOW);
    int (*const run)(int) = (int (*)(int))dlsym(plugin, "plugin_run");
    atexit(at_end);
    lib_wide((wide){1});
    return lib_open(&filled, &picture) + lib_print("%d", argc) + lib_aligned(aligned) + lib_count +
           lib_version() + run(lib_buffer() != 0);
}
