/* The file of a plugin, checked before ld.so maps it. */
#ifndef IA2_PLUGIN_FILE_H
#define IA2_PLUGIN_FILE_H

#include <stdint.h>

/* What is wrong with the file, as a string constant. NULL if the file is the plugin of compartment
 * \a key (0: of any plugin) of this program, as the engine made it:
 *
 * - it was built from the policy of compartment 1;
 * - ld.so has nothing to do for it before it has its key (constructors, thread-local storage);
 * - no instruction sets PKRU or the thread pointer, except in its listed gates.
 *
 * The check says nothing about who made the file. An attacker who can write the file can write the
 * program too. Not async-signal-safe. */
const char *ia2_plugin_file_wrong(const char *path, uint32_t key);

#endif
