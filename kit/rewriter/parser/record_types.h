/* The entries of types. What a type is made of is recorded later (record_type_parts.h). */
#ifndef IA2_RECORD_TYPES_H
#define IA2_RECORD_TYPES_H

#include "recorder.h"

/* The first entry of the table, which is no type. */
void record_no_type(struct recorder *recorder);

/* The entry of a type. `value`: an object of the type is seen. */
uint32_t record_type(struct recorder *recorder, CXType type, bool value);

/* The same, with the type's spelling. */
uint32_t record_type_text(struct recorder *recorder, CXType type);

/* An object of the type is seen, so its parts may be asked for. */
void record_note_value(struct recorder *recorder, uint32_t type);

#endif
