/* The file of a plugin, checked before ld.so maps it, and after: the file that was checked must be
 * the file that was loaded. */
#ifndef IA2_PLUGIN_FILE_H
#define IA2_PLUGIN_FILE_H

#include <stddef.h>
#include <stdint.h>

/* A file that is mapped read-only. The mapping says which file it is: it has no name that could
 * lead elsewhere, and no descriptor that could be replaced. */
struct ia2_plugin_file {
    const unsigned char *bytes; /* NULL: there is no such file */
    size_t size;
};

/* Opens the file, once, and looks at it. Returns what is wrong, as a string constant. NULL if there
 * is no such file, or if it is the plugin of compartment \a key of this program, as the engine
 * made it:
 *
 * - it was built from the policy of compartment 1;
 * - ld.so has nothing to do for it before it has its key (constructors, thread-local storage);
 * - no instruction sets PKRU or the thread pointer, except in its listed gates.
 *
 * The check says nothing about who made the file. An attacker who can write the file can write the
 * program too. Not async-signal-safe. */
const char *ia2_plugin_file_open(const char *path, uint32_t key, struct ia2_plugin_file *file);

/* What is wrong with a library that was loaded as this plugin, as above; \a mapped is an address in
 * it that is mapped from its file. Wrong are another file, and a file that was changed since it was
 * opened. Ends the process, in words, if /proc/self/maps cannot be read. */
const char *ia2_plugin_file_mapped_wrong(const struct ia2_plugin_file *file, uint32_t key,
                                         const void *mapped);

void ia2_plugin_file_close(struct ia2_plugin_file *file);

#endif
