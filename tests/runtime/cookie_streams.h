#ifndef COOKIE_STREAMS_H
#define COOKIE_STREAMS_H
#include <stdio.h>
/* Each compartment has these; NAME is app or lib. */
FILE *lib_open(void); /* a stream that writes to lib's own memory */
void lib_print(FILE *stream);
int lib_digits(FILE *stream); /* reads a number */
const char *lib_text(void); /* what was written; the caller cannot read it */
int lib_wrote(int size);
void lib_at_end(void);
#endif
