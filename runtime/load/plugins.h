/* Plugins: compartments that come with dlopen and go with dlclose. The policy names them, so their
 * rights are in every compartment's constants from the start (plugin_keys of the descriptor). Only
 * their DSO is missing. */
#ifndef IA2_PLUGINS_H
#define IA2_PLUGINS_H

#include <stddef.h>

/* At start-up: learns where plugins are, and which files they are. */
void ia2_plugins_find(void);

/* Checks what is loaded, as ia2_plugins_check() does. Once, at the end of start-up, while there is
 * one thread. */
void ia2_plugins_start(void);

/* Whether \a name, an argument of dlopen, means a plugin: it has the file name of a plugin of the
 * policy, in the project or beside libia2.so, in whatever folder. \a path gets the full name of the
 * plugin's file, which is beside libia2.so. No other file can become a compartment. Thread-safe,
 * not async-signal-safe. */
int ia2_plugin_path(const char *name, char *path, size_t size);

/* After a dlopen. Aborts if a compartment's DSO, or the file that the project built for a plugin,
 * was loaded in another way: it would run with the rights of its caller. Makes the jump slots of
 * libraries that came read-only. Thread-safe, not async-signal-safe. */
void ia2_plugins_check(void);

/* dlopen and dlclose of a plugin, through a gate, with the rights of key 0: the DSO comes or goes,
 * the runtime takes it in or lets it go, and its constructors run in it. \a name: what means the
 * plugin, in memory under key 0. Results as dlopen's and dlclose's. Aborts if the file is not the
 * plugin that it should be, or if ld.so loaded another one than was looked at. */
void *ia2_key0_dlopen(const char *name, int flags);
int ia2_key0_dlclose(void *handle);

/* The monitor's operations. taken: the DSO at \a path, of \a size bytes with its end, has come; the
 * key of its compartment, 0 if it is none. gone: looks which compartments are not loaded any more,
 * and lets them go. */
long ia2_plugin_taken(long path, long size, long, long, int caller);
long ia2_guests_sealed(long, long, long, long, int caller);
long ia2_plugins_gone(long, long, long, long, int caller);

#endif
