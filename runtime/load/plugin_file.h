/* The file of a compartment that comes with dlopen, looked at before ld.so has it. */
#ifndef IA2_PLUGIN_FILE_H
#define IA2_PLUGIN_FILE_H

#include <stdint.h>

/* What is wrong with the file, a string constant; NULL if it is the plugin of compartment \a key
 * (0: of any) of this program, as kit/ia2 made it: with the policy of compartment 1, without
 * anything that ld.so would do before it has its key, and without instructions that set PKRU or the
 * thread pointer outside of its listed gates. It says nothing of who made the file: whoever can
 * write it can write the program too. Not async-signal-safe. */
const char *ia2_plugin_file_wrong(const char *path, uint32_t key);

#endif
