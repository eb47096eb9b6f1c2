/* Start-up: from a process with every page under key 0 to one whose compartments are closed. */
#ifndef IA2_INIT_H
#define IA2_INIT_H

#include <stdint.h>

/* Called by the executable's main wrapper, once, on the only thread, after all constructors. Finds
 * the compartments, takes keys 1..n, closes everything, and runs the program's main in
 * compartment 1. Returns what main returns, with the rights of key 0 alone. Aborts with a message
 * when something cannot be closed. */
int ia2_start(int argc, char **argv, char **envp);

struct dl_phdr_info;
struct ia2_compartment_descriptor;
struct ia2_module;

/* Learns where a compartment lies and puts gates in front of its destructors. Aborts when it does
 * not fit. */
void ia2_module_find(struct dl_phdr_info *info, const struct ia2_compartment_descriptor *descriptor,
                     struct ia2_module *module);

/* What kit/ia2/plugin_file.py puts in place of PT_TLS, DT_INIT_ARRAY and DT_INIT_ARRAYSZ of a
 * plugin. */
#define IA2_PT_TLS 0x69613274
#define IA2_DT_INIT_ARRAY 0x69613201
#define IA2_DT_INIT_ARRAYSZ 0x69613202

/* Puts a compartment's globals under its key. */
void ia2_module_set_keys(const struct ia2_module *module, unsigned key);

#endif
