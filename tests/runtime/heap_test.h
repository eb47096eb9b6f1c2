#ifndef HEAP_TEST_H
#define HEAP_TEST_H
#include <stddef.h>
void *lib_malloc(size_t size);
void lib_free(void *p);
void *lib_realloc(void *p, size_t size);
void *lib_shared(size_t size);
int lib_family(void);
int lib_sum(const unsigned char *p, size_t size);
void *third_allocates_in_library(void);
void third_frees(void *p);
#endif
