/* Whose memory a compartment may map over, unmap, protect and advise about. In the monitor.
 *
 * An address range can become somebody else's at any time. Who looks whose it is and then changes
 * it, and who maps memory and then notes whose it is, holds ia2_state.memory_lock meanwhile.
 *
 * Without contained system calls (containment/calls.h) nothing is noted. */
#ifndef IA2_MAPPINGS_H
#define IA2_MAPPINGS_H

#include <stddef.h>
#include <stdint.h>

#include "state/state.h"

/* At start: what the loader has mapped is nobody's to change, and no file of its code may be opened
 * to write. Ends the process if that cannot be found out. */
void ia2_mappings_begin(void);

/* Whether \a key may change [\a start, \a start + \a size): there is nothing of another
 * compartment, of the runtime, nor of the loader. */
int ia2_mapping_may_change(int key, uintptr_t start, size_t size);

/* Whether code that came with dlopen is in the range. */
int ia2_mapping_has_late_code(uintptr_t start, size_t size);

/* Notes, or forgets, that a range is \a owner's (state.h). 0 or -ENOMEM. */
int ia2_mapping_add(uintptr_t start, size_t size, uint32_t owner);
void ia2_mapping_remove(uintptr_t start, size_t size);
/* Who was noted for the page at \a address; 0: nobody. */
uint32_t ia2_mapping_owner(uintptr_t address);

/* The file, if it is mapped as code or is a plugin's; else NULL. */
const struct ia2_code_file *ia2_code_file(uint64_t device, uint64_t inode);
/* At start: the file is a plugin's. Nothing if there is none at \a path. */
void ia2_code_file_add_plugin(const char *path);

/* The plugin whose text this is has become a compartment: its code may run. 0 or a negative errno.
 */
int ia2_mapping_open_plugin(struct ia2_range text);

#endif
