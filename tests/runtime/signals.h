#ifndef SIGNALS_TEST_H
#define SIGNALS_TEST_H
#define CHECK(x) ((x) ? (void)0 : check_failed(__FILE__, __LINE__, #x))
static inline void check_failed(const char *file, int line, const char *what)
{
    printf("%s:%d: %s\n", file, line, what);
    fflush(stdout);
    _exit(1);
}

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
int lib_overwrites(int *p);
#define TYPE_BACK 0x21
#endif
