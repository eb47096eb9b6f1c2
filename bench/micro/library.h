/* The compartment that is called. */
#ifndef LIBRARY_H
#define LIBRARY_H

#define EXPORTED __attribute__((visibility("default")))

typedef int (*operation)(int);

/* Returns its argument. */
EXPORTED int library_leaf(int value);
/* The same function as a pointer. */
EXPORTED operation library_operation(void);
/* Calls \a called (the program's or the library's own) \a count times; TSC cycles per call. */
EXPORTED double library_calls(operation called, int count);

#endif
