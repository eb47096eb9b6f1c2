/* compartment_fini MODE: a compartment that comes with dlopen and goes with dlclose. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ia2.h"
#include "ia2_destructors.h"

#define CHECK(x) do { if (!(x)) { fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); exit(1); } } while (0)

static char own[] = "program's";
static int (*plugin_value)(int);
static char *(*plugin_own)(void);
static int (*plugin_thread_local)(void);

__attribute__((destructor)) static void destroy(void)
{
    printf("program's destructor %s\n", own);
}

static void by_atexit(void)
{
    printf("program's atexit %s\n", own);
}

static void *load(void)
{
    void *plugin = dlopen("plugin.ia2.so", RTLD_NOW);
    if (!plugin) {
        fprintf(stderr, "dlopen: %s\n", dlerror());
        exit(1);
    }
    plugin_value = (int (*)(int))dlsym(plugin, "__wrap_plugin_value");
    plugin_own = (char *(*)(void))dlsym(plugin, "__wrap_plugin_own");
    plugin_thread_local = (int (*)(void))dlsym(plugin, "__wrap_plugin_thread_local");
    CHECK(plugin_value && plugin_own && plugin_thread_local);
    return plugin;
}

/* A thread that was there before the compartment, and uses it. */
static void *thread(void *gate)
{
    pthread_barrier_wait(gate);
    pthread_barrier_wait(gate);
    CHECK(plugin_thread_local() == 41 && plugin_thread_local() == 42);
    return NULL;
}

static void *later_thread(void *unused)
{
    CHECK(plugin_thread_local() == 41 && plugin_value(3) == 4);
    return unused;
}

static void print_counters(const char *when)
{
    struct ia2_exit_counters c = ia2_get_exit_counters();
    printf("%s: %lu %lu %lu %lu\n", when, c.success, c.fallback, c.unknown, c.faulted);
}

static void once(void)
{
    pthread_barrier_t gate;
    pthread_t before, after;
    pthread_barrier_init(&gate, NULL, 2);
    /* The barrier is on this stack, which threads of this compartment share. */
    CHECK(!pthread_create(&before, NULL, thread, &gate));
    pthread_barrier_wait(&gate);
    void *plugin = load();
    CHECK(plugin_value(1) == 2 && plugin_thread_local() == 41);
    pthread_barrier_wait(&gate);
    CHECK(!pthread_create(&after, NULL, later_thread, NULL));
    CHECK(!pthread_join(before, NULL) && !pthread_join(after, NULL));
    print_counters("loaded");
    CHECK(!dlclose(plugin));
    print_counters("unloaded");
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "once";
    setvbuf(stdout, NULL, _IOLBF, 0);
    atexit(by_atexit);
    if (!strcmp(mode, "once"))
        once();
    else if (!strcmp(mode, "again"))
        for (int i = 0; i < 5; i++)
            once();
    else if (!strcmp(mode, "left")) {
        load();
        CHECK(plugin_value(5) == 6);
    } else if (!strcmp(mode, "twice")) {
        void *first = load(), *second = load();
        CHECK(first == second && !dlclose(first) && plugin_value(1) == 2);
        puts("still there");
        dlclose(second);
    } else if (!strcmp(mode, "touch")) {
        load();
        printf("%s\n", plugin_own());
    } else if (!strcmp(mode, "ordinary")) {
        void *ordinary = dlopen("libm.so.6", RTLD_NOW);
        CHECK(ordinary && dlsym(ordinary, "cos") && !dlclose(ordinary));
    } else if (!strcmp(mode, "elsewhere"))
        dlopen(argv[2], RTLD_NOW);
    return 3;
}
