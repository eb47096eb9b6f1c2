/* The DSOs of the process and their symbols, as a signal handler can ask for them. */
#ifndef IA2_PERMISSIVE_OBJECTS_H
#define IA2_PERMISSIVE_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

struct ia2_object {
    uintptr_t base, low, high; /* of its segments */
    uintptr_t code, code_end;
    const char *symbols, *strings; /* of the file, mapped; NULL if it has none */
    size_t symbol_count, strings_size;
    char path[512];
};

struct ia2_symbol {
    const char *name;
    uintptr_t start;
    size_t size;
};

/* The DSO that an address lies in, NULL if in none that was there when ia2_permissive_objects()
 * looked. */
const struct ia2_object *ia2_object_at(uintptr_t address);

/* The function or variable at \a address, static ones included if the file was not stripped; 0 if
 * there is none. */
int ia2_symbol_at(const struct ia2_object *object, uintptr_t address, struct ia2_symbol *symbol);

#if IA2_PERMISSIVE

/* Learns which DSOs there are; again after each dlopen. Not async-signal-safe. */
void ia2_permissive_objects(void);

#else

static inline void ia2_permissive_objects(void) {}

#endif

#endif
