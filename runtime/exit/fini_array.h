/* The destructors that the loader runs when a DSO goes: DT_FINI_ARRAY and DT_FINI. */
#ifndef IA2_EXIT_FINI_ARRAY_H
#define IA2_EXIT_FINI_ARRAY_H

#include <link.h>

struct ia2_module;

/* Records DT_FINI_ARRAY and DT_FINI of a module and puts \a entries in their place, two functions
 * that run them through ia2_exit_run_array and ia2_exit_run_fini. Aborts when that is impossible.
 */
void ia2_exit_gate_module(const struct dl_phdr_info *info, struct ia2_module *module,
                          void (**entries)(void));

/* With the rights of key 0, called by the loader through the module's entries. */
void ia2_exit_run_array(int id);
void ia2_exit_run_fini(int id);

#endif
