/* The notes by "IA2" in a loaded DSO. The link makes at most one of each type. */
#ifndef IA2_NOTE_H
#define IA2_NOTE_H

#include <stdint.h>

struct dl_phdr_info;
struct ia2_compartment_descriptor;

/* The contents of the note of this type (enum ia2_note_type), NULL if the DSO has none. */
const char *ia2_find_note(const struct dl_phdr_info *info, uint32_t type);

/* The compartment's descriptor, NULL if the DSO is no compartment. */
const struct ia2_compartment_descriptor *ia2_find_descriptor(const struct dl_phdr_info *info);

#endif
