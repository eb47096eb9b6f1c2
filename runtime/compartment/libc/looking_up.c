/* dlsym and dlvsym. Of another compartment's function they find the gate, and of a function of libc
 * that this compartment has in its place (malloc, signal, exit) this compartment's: code that looks
 * a function up gets what code that names it gets. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "compartment/compartment.h"
#include "state/addresses.h"
#include "state/rights.h"
#include "state/state.h"

#define HIDDEN __attribute__((visibility("hidden")))

void *__real_dlsym(void *handle, const char *symbol);
void *__real_dlvsym(void *handle, const char *symbol, const char *version);

#if IA2_PERMISSIVE
#define NAMES "ia2_libc_names_permissive.inc"
#else
#define NAMES "ia2_libc_names.inc"
#endif

/* Each function that the linker's --wrap replaces in a compartment, made of the options themselves
 * (write_libc_names.sh), so none is missing. They have many types, and only their addresses matter.
 * Weak: a function that this libc does not have is found by nobody. */
#define IA2_LIBC_NAME(name) \
    extern const char own_##name[] __asm__("__wrap_" #name) HIDDEN; \
    extern const char libcs_##name[] __asm__("__real_" #name) __attribute__((weak));
#include NAMES
#undef IA2_LIBC_NAME

static const struct {
    const char *name;
    const void *own, *libcs;
} names[] = {
#define IA2_LIBC_NAME(name) {#name, own_##name, libcs_##name},
#include NAMES
#undef IA2_LIBC_NAME
};

/* In place of what ld.so found: this compartment's function, if that is libc's. */
static void *own(const char *symbol, void *found)
{
    for (size_t i = 0; symbol && found && i < sizeof(names) / sizeof(*names); i++)
        if (found == names[i].libcs && !strcmp(symbol, names[i].name))
            return (void *)names[i].own;
    return found;
}

/* Compartments export gates, not functions. RTLD_NEXT goes by the DSO that calls, which is the same
 * here. */
HIDDEN void *__wrap_dlsym(void *handle, const char *symbol)
{
    char gate[256];
    if (ia2_state.ready && ia2_current_compartment() == (int)ia2_this_compartment.id && symbol &&
        (size_t)snprintf(gate, sizeof(gate), "__wrap_%s", symbol) < sizeof(gate)) {
        char *found = __real_dlsym(handle, gate);
        if (found && ia2_is_in_gates(found))
            return found;
    }
    return own(symbol, __real_dlsym(handle, symbol));
}

/* Gates have no versions. */
HIDDEN void *__wrap_dlvsym(void *handle, const char *symbol, const char *version)
{
    return own(symbol, __real_dlvsym(handle, symbol, version));
}
