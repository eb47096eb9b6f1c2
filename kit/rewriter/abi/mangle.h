/* ABI strings, and their hash: what an indirect call checks. */
#ifndef IA2_MANGLE_H
#define IA2_MANGLE_H

#include <stdint.h>

#include "base/intern.h"
#include "tree/ast_query.h"

/* Appends the class of one type. */
void mangle_type(struct text *text, struct unit *unit, struct type type);

uint32_t mangle_hash(const char *text); /* FNV-1a, 32 bit */

#endif
