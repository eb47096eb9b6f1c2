#ifndef CALLS_H
#define CALLS_H
typedef int callback(int, void *);
int lib_ping(int depth, callback *back);
int lib_call(callback *function, int n);
int lib_call_as(callback *function, unsigned type);
callback *lib_own(void);
int lib_recurse(int n);
int lib_own_only(int x);
int lib_first_only(int x);
int lib_clobber(callback *function);
int lib_misaligned(callback *function);
int app_deep(int depth);
callback *third_gate(void);
int third_calls_library(int which);
#define TYPE_CALLBACK 0x77
#define TYPE_OTHER 0x78
#endif
