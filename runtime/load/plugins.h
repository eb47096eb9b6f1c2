/* Compartments that come with dlopen and go with dlclose. The policy has them (IA2_LATE in the
 * gates of compartment 1), so their rights are in everybody's constants from the start; only their
 * DSO is missing. */
#ifndef IA2_PLUGINS_H
#define IA2_PLUGINS_H

#include <stddef.h>

/* Whether \a name, an argument of dlopen, means a compartment: it is a file NAME.ia2.so beside
 * libia2.so, or has the file name of a plugin of the policy, in whatever folder; \a path gets the
 * full name of the file beside libia2.so. Nothing else can become a compartment. Not
 * async-signal-safe. */
int ia2_plugin_path(const char *name, char *path, size_t size);

/* Aborts if a compartment's DSO, or the file that the project built for a plugin, was loaded in
 * another way: it would run with the rights of whoever calls it. */
void ia2_plugins_check(void);

/* Gates lead here, with the rights of key 0. dlopen and dlclose, then the runtime's part, and the
 * constructors, in their compartment. \a path: of ia2_plugin_path, in memory that is open to all.
 */
void *ia2_key0_dlopen(const char *path, int flags);
int ia2_key0_dlclose(void *handle);

#endif
