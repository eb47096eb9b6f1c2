#include "ia2.h"
int library_add(int a, int b);
void library_fault(void);
void library_call(void (*function)(void));
void library_register(void);
void library_leave(int status);
char *library_own(void); /* the address of something that is the library's alone */
void *library_raw(void); /* the address of one of its functions, which is not a gate */
void called_back(void);
IA2_DECLARE_GATE(called_back);
