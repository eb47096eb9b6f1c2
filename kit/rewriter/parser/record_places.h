/* Files, and where in them everything is. */
#ifndef IA2_RECORD_PLACES_H
#define IA2_RECORD_PLACES_H

#include "recorder.h"

uint32_t record_location(struct recorder *recorder, CXSourceLocation location);
uint32_t record_extent(struct recorder *recorder, CXCursor cursor);
void record_inclusions(struct recorder *recorder);

bool record_is_macro(CXSourceLocation location);

/* Whether the place is in a file of the system. A header of the project that the project treats as
 * a system header is not one. */
bool record_is_system(struct recorder *recorder, CXSourceLocation location);

#endif
