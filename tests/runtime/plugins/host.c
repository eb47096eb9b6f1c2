/* host MODE: loads a plugin that may not be what it seems. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "host.h"

static int variable = 11, notes;
static int *const where = &variable; /* the rewriter would refuse &variable below */
static void *plugin;
static const struct offer *offer;
static int (*counter)(void);

void host_note(const char *text, int value)
{
    printf("%s %d\n", text, value);
    notes++;
}

int host_for_rival(int value) { return value + variable; }
static int callback(int value) { return value + variable; }

static void *find(const char *name)
{
    void *found = dlsym(plugin, name);
    if (!found) {
        printf("no %s: %d\n", name, strstr(dlerror(), name) != NULL);
        exit(2);
    }
    return found;
}

static void load(const char *path, const char *mode)
{
    plugin = dlopen(path, RTLD_NOW);
    if (!plugin) {
        puts(dlerror());
        exit(1);
    }
    offer = ((start_function *)find("plugin_start"))(mode, where, callback);
    counter = find("plugin_counter");
}

/* Each thread's own counter begins at 40, also that of a thread that was there before the plugin. */
static void *count(void *gate)
{
    if (gate) {
        pthread_barrier_wait(gate);
        pthread_barrier_wait(gate);
    }
    int first = counter(), second = counter();
    printf("%d %d\n", first, second);
    return NULL;
}

static void *load_in_thread(void *unused)
{
    load("./plugin.so", "nothing");
    printf("in a thread %d\n", offer->value());
    return unused;
}

static void threads(void)
{
    pthread_barrier_t gate;
    pthread_t before, after, loader;
    pthread_barrier_init(&gate, NULL, 2);
    for (int i = 0; i < 3; i++) {
        pthread_create(&before, NULL, count, &gate);
        pthread_barrier_wait(&gate);
        pthread_create(&loader, NULL, load_in_thread, NULL);
        pthread_join(loader, NULL);
        pthread_barrier_wait(&gate);
        pthread_join(before, NULL);
        pthread_create(&after, NULL, count, NULL);
        pthread_join(after, NULL);
        count(NULL);
        printf("closed %d\n", dlclose(plugin));
    }
}

/* Until the plugin comes its thread-local storage is everybody's. */
static int spoil(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size, (void)unused;
    for (int i = 0; strstr(info->dlpi_name, "plugin.tls.so") && i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_TLS)
            memset(info->dlpi_tls_data, 0x11, info->dlpi_phdr[i].p_memsz);
    return 0;
}

static char pages[1 << 16] __attribute__((aligned(4096)));

/* The runtime's list of heaps that have no keys yet, at `offset` in its library: one of the host's, and what lies behind it. */
static int lengthen(struct dl_phdr_info *info, size_t size, void *offset)
{
    struct { void *start; size_t size; int owner; } range = {(void *)((unsigned long)malloc(1) & -(1ul << 21)), 1ul << 40, 1};
    (void)size;
    if (strstr(info->dlpi_name, "libia2.so")) {
        unsigned *count = (unsigned *)(info->dlpi_addr + ((unsigned long *)offset)[1]);
        memcpy((void *)(info->dlpi_addr + ((unsigned long *)offset)[0]), &range, sizeof(range));
        *count = 1;
    }
    return 0;
}

/* ld.so looks up where a thread has its storage in a table that is everybody's. */
static int mislead(struct dl_phdr_info *info, size_t size, void *unused)
{
    void **table;
    (void)size, (void)unused;
    __asm__("mov %%fs:8, %0" : "=r"(table));
    if (strstr(info->dlpi_name, "plugin.tls.so"))
        table[2 * info->dlpi_tls_modid] = pages;
    return 0;
}

__attribute__((constructor)) static void early(void)
{
    if (getenv("EARLY") && !dlopen(getenv("EARLY"), RTLD_NOW))
        puts(dlerror());
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "nothing";
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!strcmp(mode, "threads")) {
        threads();
        return 0;
    }
    if (!strcmp(mode, "guest")) {
        void *guest = dlopen(argv[2], RTLD_NOW);
        long (*run)(long) = guest ? (long (*)(long))dlsym(guest, "guest_run") : NULL;
        printf("guest %ld\n", run ? run(1) : -1);
        return 0;
    }
    if (!strcmp(mode, "guests")) { /* unloaded in between */
        long sum[2];
        for (int i = 0; i < 2; i++) {
            void *guest = dlopen(argv[2], RTLD_NOW);
            long (*run)(long) = guest ? (long (*)(long))dlsym(guest, "guest_run") : NULL;
            sum[i] = run ? run(1) : -1;
            if (guest)
                dlclose(guest);
        }
        printf("guests %ld %ld\n", sum[0], sum[1]);
        return 0;
    }
    if (!strcmp(mode, "library")) {
        printf("library %sthere\n", dlopen(argv[2], RTLD_NOW) ? "" : "not ");
        return 0;
    }
    if (!strcmp(mode, "dlmopen"))
        printf("dlmopen %d\n", dlmopen(LM_ID_NEWLM, "./plugin.so", RTLD_NOW) != NULL);
    if (!strcmp(mode, "storage"))
        dl_iterate_phdr(spoil, NULL);
    if (!strcmp(mode, "ranges")) {
        unsigned long offsets[] = {strtoul(argv[3], NULL, 0), strtoul(argv[4], NULL, 0)};
        dl_iterate_phdr(lengthen, offsets);
    }
    if (!strcmp(mode, "misled"))
        dl_iterate_phdr(mislead, NULL);
    load(argc > 2 ? argv[2] : "./plugin.so", mode);
    if (!strcmp(mode, "storage"))
        count(NULL);
    for (unsigned i = 0; !strcmp(mode, "misled") && i < sizeof(pages); i++)
        if (pages[i])
            puts("the plugin's storage is here");
    if (!strcmp(mode, "write-variable"))
        *offer->variable = 1;
    else if (!strcmp(mode, "write-heap"))
        *offer->heap = 1;
    else if (!strcmp(mode, "read-local"))
        printf("read %d\n", *offer->local);
    else if (!strcmp(mode, "wrong-type"))
        printf("wrong %f\n", ((double (*)(double))find("plugin_other"))(1));
    else if (!strcmp(mode, "right-type"))
        printf("right %ld\n", ((long (*)(long, double))find("plugin_other"))(1, 2));
    else if (!strcmp(mode, "no-entry"))
        find("plugin_secret");
    else if (!strcmp(mode, "gone")) {
        /* What it allocated outlives it; freed by whoever may, also by its next incarnation. */
        const struct offer *old = offer;
        int *block = old->heap;
        dlclose(plugin);
        free((void *)old);
        load("./plugin.so", mode);
        ((void (*)(int *))find("plugin_free"))(block);
    } else if (!strcmp(mode, "gone-resized")) {
        dlclose(plugin);
        offer = realloc((void *)offer, 1000);
    } else if (!strcmp(mode, "stale")) {
        start_function *start = find("plugin_start");
        printf("closed %d\n", dlclose(plugin));
        start("nothing", where, callback);
    }
    printf("value %d, notes %d, variable %d\n", offer->value(), notes, variable);
    return 0;
}
