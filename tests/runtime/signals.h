#ifndef SIGNALS_TEST_H
#define SIGNALS_TEST_H
#include "check.h"
extern struct shared {
    volatile int count[65]; /* handled, by signal */
    volatile int wrong; /* handlers that ran in a compartment that is not theirs */
    volatile int stop;
} shared;
int lib_add(int a, int b);
int lib_raise(int number);
int lib_back(int (*back)(int), int n);
int lib_install(int number, int flags);
int lib_wait(void);
int lib_attacks(int how);
int lib_overwrites(int *p);
#define TYPE_BACK 0x21
#endif
