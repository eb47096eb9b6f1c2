/* Functions of libc, and jumps in place of them. */
#ifndef IA2_LIBC_FUNCTION_H
#define IA2_LIBC_FUNCTION_H

#include <stddef.h>

struct ia2_code_pages;

/* The code of libc's own function \a name, whoever else has one of that name; \a size gets its
 * length. NULL if libc exports none. */
unsigned char *ia2_libc_function(const char *name, size_t *size);

/* Makes the five bytes at \a at a jump or a call to \a target; noted in \a pages. Both end the
 * process, in words, if \a target is too far. */
void ia2_libc_jump(struct ia2_code_pages *pages, unsigned char *at, void (*target)(void));
void ia2_libc_call(struct ia2_code_pages *pages, unsigned char *at, void (*target)(void));

#endif
