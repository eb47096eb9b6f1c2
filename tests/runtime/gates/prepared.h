#ifndef PREPARED_H
#define PREPARED_H
#include <stdint.h>
uintptr_t victim_stack(void); /* an address on it */
char *victim_page(void);
int victim_page_is_intact(void);
int *victim_counter(void);
int victim_counts(void);
#endif
