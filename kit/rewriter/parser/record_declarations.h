/* Declarations, also those that the walk through the unit does not come by: of libc, of fields, of
 * types. */
#ifndef IA2_RECORD_DECLARATIONS_H
#define IA2_RECORD_DECLARATIONS_H

#include "recorder.h"

/* The node of a declaration that something refers to; made if it is not in the tree yet. */
uint32_t record_declaration(struct recorder *recorder, CXCursor declaration);

/* Makes the node that stands in the tree a declaration. */
void record_declare(struct recorder *recorder, uint32_t node, CXCursor cursor,
                    enum CXCursorKind kind);

bool record_is_declaration(enum CXCursorKind kind);

#endif
