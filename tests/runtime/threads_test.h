#ifndef THREADS_TEST_H
#define THREADS_TEST_H
enum { STORAGE = 5000 };
int lib_add(int a, int b);
int lib_counts(void);
void lib_exits(void *value);
void lib_key(void);
void lib_remembers(int n);
int lib_destroyed(void);
int lib_starts(int n);
void lib_secret(void);
int lib_finds(void);
const char *lib_storage(void);
#endif
