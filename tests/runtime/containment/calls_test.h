/* The library of the test programs: what it may have the kernel do is "none". */
#ifndef CALLS_TEST_H
#define CALLS_TEST_H
int lib_open(const char *path, int flags);
int lib_fork(void);
int lib_kill(int number);
int lib_socket(void);
int lib_unmap(void *start, unsigned long size);
int lib_allocate(void);
int lib_share(void);
int lib_thread(void);
long lib_raw(long number, long a, long b, long c, long d);
#endif
