#ifndef STEPPED_H
#define STEPPED_H
struct stepped_big {
    int v[20];
};
typedef int stepped_back_t(int);
int stepped_direct(int x);
long stepped_many(long a, long b, long c, long d, long e, long f, long g, long h, long i);
struct stepped_big stepped_memory(int x);
int stepped_calls_back(stepped_back_t *back);
stepped_back_t *stepped_pointer(void);
#endif
