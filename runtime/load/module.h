/* Where a compartment lies in memory: its pages, its code, its thread-local storage. */
#ifndef IA2_MODULE_H
#define IA2_MODULE_H

#include <link.h>
#include <stdint.h>

struct ia2_compartment_descriptor;
struct ia2_module;

/* What the engine (plugin_file.py) puts in place of PT_TLS, DT_INIT_ARRAY and DT_INIT_ARRAYSZ of a
 * plugin. */
#define IA2_PT_TLS 0x69613274
#define IA2_DT_INIT_ARRAY 0x69613201
#define IA2_DT_INIT_ARRAYSZ 0x69613202
#define IA2_DT_INIT 0x69613203 /* crti.o's, which does nothing */

/* What messages call the DSO's file. */
const char *ia2_module_file(const struct dl_phdr_info *info);

/* Whether a DSO may become a compartment: its key is one of the mask \a keys, and is free. Aborts
 * otherwise. */
void ia2_module_admit(const struct dl_phdr_info *info,
                      const struct ia2_compartment_descriptor *descriptor, uint32_t keys);

/* Aborts if the compartment was built from another policy than compartment 1. */
void ia2_module_check_policy(const struct ia2_compartment_descriptor *descriptor);

/* Learns where a compartment lies. Aborts when it does not fit. The caller also puts gates in front
 * of the destructors (exit/fini_array.h). */
void ia2_module_find(const struct dl_phdr_info *info,
                     const struct ia2_compartment_descriptor *descriptor,
                     struct ia2_module *module);

/* Puts a compartment's globals under its key. Aborts on failure. */
void ia2_module_set_keys(const struct ia2_module *module, unsigned key);

#endif
