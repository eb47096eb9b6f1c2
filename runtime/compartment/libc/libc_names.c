/* The table has each function that the linker's --wrap replaces in a compartment. It is made of the
 * options themselves (write_libc_names.sh), so no function can be missing. The functions have many
 * types, and only their addresses matter: so they are declared as arrays, and here alone. */
#include "compartment/libc/libc_names.h"

#include <stddef.h>
#include <string.h>

#if IA2_PERMISSIVE
#define NAMES "ia2_libc_names_permissive.inc"
#else
#define NAMES "ia2_libc_names.inc"
#endif

/* Weak: a function that this libc does not have is found by nobody. */
#define IA2_LIBC_NAME(name) \
    extern const char __wrap_##name[] __attribute__((visibility("hidden"))); \
    extern const char __real_##name[] __attribute__((weak, visibility("default")));
#include NAMES
#undef IA2_LIBC_NAME

static const struct {
    const char *name;
    const void *own, *libcs;
} names[] = {
#define IA2_LIBC_NAME(name) {#name, __wrap_##name, __real_##name},
#include NAMES
#undef IA2_LIBC_NAME
};

void *ia2_libc_name(const char *symbol, void *found)
{
    for (size_t i = 0; found && i < sizeof(names) / sizeof(*names); i++)
        if (found == names[i].libcs && !strcmp(symbol, names[i].name))
            return (void *)names[i].own;
    return found;
}
