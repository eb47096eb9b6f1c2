#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "host.h"

static int variable = 22;
static __thread int counter = 40;
static __thread int *counter_at;
static const char *constructed = "not constructed";

__attribute__((constructor)) static void construct(int argc, char **argv, char **envp)
{
    constructed = argv[argc] == NULL && envp == &argv[argc + 1] ? "constructed" : "badly constructed";
    variable++;
    host_note(constructed, variable);
}

__attribute__((destructor)) static void destroy(void)
{
    variable++;
    host_note("destroyed", variable);
}

static int value(void) { return variable; }

const struct offer *plugin_start(const char *mode, int *host_variable, int (*callback)(int))
{
    struct offer *offer = malloc(sizeof(*offer));   /* shared, as the policy says */
    *offer = (struct offer){&variable, &counter, malloc(sizeof(int)), value};
    host_note(constructed, callback(1));
    if (!strcmp(mode, "plugin-reads"))
        variable = *host_variable;
    else if (!strcmp(mode, "plugin-writes"))
        *host_variable = 1;
    else if (!strcmp(mode, "plugin-calls")) {
        void *found = dlsym(RTLD_DEFAULT, "host_for_rival");
        int (*stolen)(int);
        memcpy(&stolen, &found, sizeof(found));
        host_note("stolen", stolen ? stolen(1) : -1);
    } else if (!strcmp(mode, "plugin-lies"))
        memcpy(&offer->value, &host_variable, sizeof(host_variable));
    return offer;
}

int plugin_counter(void)
{
    if (!counter_at)
        counter_at = &counter;
    return ++*counter_at;
}

int *plugin_counter_where(void) { return &counter; }
long plugin_other(long a, double b) { return a + (long)b; }
void plugin_free(int *block) { free(block); }
int plugin_secret(void) { return 5; }
