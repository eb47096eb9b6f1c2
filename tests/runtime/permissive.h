#ifndef PERMISSIVE_TEST_H
#define PERMISSIVE_TEST_H
#include <stddef.h>
#include "ia2.h"
extern struct shared {
    volatile int handled, wrong;
} shared;
/* The library, which goes for whatever memory it is told. */
int lib_sum(const int *numbers, size_t n);
void lib_set(int *number, int value);
void lib_copy(char *to, const char *from, size_t n);   /* rep movsb */
void lib_fill(long *to, long value, size_t n);         /* rep stosq */
void lib_move(char *to, const char *from);             /* movsb: two operands */
int lib_read(int fd, char *to, size_t n);
int lib_write(int fd, const char *from, size_t n);
int lib_open(const char *path);
int lib_stdio(const char *path, char *to, size_t n);
void lib_free(void *block);
char *lib_grow(char *block, size_t size);
int lib_call(int (*function)(int), int value);
char *lib_text(void);
void lib_mask(void);
void lib_print(char *to, const char *text);              /* through snprintf */
size_t lib_length(const char *text);                   /* by vectors */
#endif
