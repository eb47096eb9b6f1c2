/* The map of known destructors: filled while the process starts, in the state, which no compartment
 * can write. */
#ifndef IA2_DESTRUCTOR_MAP_H
#define IA2_DESTRUCTOR_MAP_H

/* Start-up, and for a compartment that comes with dlopen: adds the tables of one DSO. Aborts when
 * they are not sound. */
struct dl_phdr_info;
void ia2_destructor_map_add(const struct dl_phdr_info *info);
/* Drops the entries of a compartment that is gone. */
void ia2_destructor_map_remove(int id);

/* Start-up: after this the map changes only with compartments that come and go. */
void ia2_destructor_map_close(void);

#endif
