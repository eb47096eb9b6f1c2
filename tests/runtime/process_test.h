#ifndef PROCESS_TEST_H
#define PROCESS_TEST_H
int lib_add(int a, int b);
int lib_thread(void);
void lib_exit(int status);
void lib_atexit(void);
void lib_touch(void);
int lib_fork(void);
void lib_sleeper(void);
extern volatile int order[32];
extern volatile int ordered;
extern volatile int tids[8];
#endif
