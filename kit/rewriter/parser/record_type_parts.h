/* What types are made of: all of it of canonical types, little more than their canonical form of
 * others. */
#ifndef IA2_RECORD_TYPE_PARTS_H
#define IA2_RECORD_TYPE_PARTS_H

#include "recorder.h"

/* Records all that the types recorded so far are made of. */
void record_parts_of_types(struct recorder *recorder);

bool record_has_wide_vectors(const struct recorder *recorder);

#endif
